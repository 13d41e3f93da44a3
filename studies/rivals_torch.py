"""Cross-entropy for PyTorch with the label's slope summed over its rivals, on any device."""

import torch


class RivalCrossEntropy(torch.autograd.Function):
    """RivalCrossEntropy.apply(z, t): costs of labels t of shape (…), one for each row of logits z of shape (…, K)."""

    @staticmethod
    def forward(ctx, z, t):
        x, at = z.to(torch.promote_types(z.dtype, torch.float32)), t[..., None]
        top = x.amax(-1, keepdim=True).floor()
        x = x - (top - top.clamp(0, 60))  # a whole number: the difference is exact wherever it matters
        label = x.gather(-1, at)
        own, e = label.exp(), x.exp_()
        rivals = e.scatter_(-1, at, 0).sum(-1, keepdim=True)
        total = own + rivals
        ctx.save_for_backward(e, at, rivals, total)
        ctx.dtype = z.dtype
        return torch.where(rivals < 1e8 * own, torch.log1p(rivals / own), total.log() - label).squeeze(-1)

    @staticmethod
    def backward(ctx, upstream):
        e, at, rivals, total = ctx.saved_tensors
        factor = upstream[..., None] / total
        return (e * factor).scatter_(-1, at, -rivals * factor).to(ctx.dtype), None
