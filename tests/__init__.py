"""Three rooms: `smlib` mirrors the module, `book` reads the notebooks, `site` drives a browser over the pages."""
