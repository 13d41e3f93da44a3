(** The claims of the lecture on softmax, proved for any number of classes K and any logits z: first the definitions,
    then lemmas, then one theorem for each claim. A proof is a list of steps for Coq, which accepts the file only if
    they lead from the definitions to the statement. To know what is proved, read the statements alone. *)

From Coq Require Import Reals Psatz Lia Arith FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

(** * Definitions *)

(** A statement about every whole number k from 0 to n − 1 is written ∀ k < n. *)
Notation "'∀' k < n , P" := (forall k, (k < n)%nat -> P) (at level 200, k name, n at level 9).

(** A vector has a real entry for each whole number from 0 on. Only the first K entries count. *)
Definition vec := nat -> R.

(** The sum of f k over k = 0, …, n − 1 is written Σ k < n, f k. *)
Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with O => 0 | S m => sum m f + f m end.
Notation "'Σ' k < n , f" := (sum n (fun k => f)) (at level 41, k name, n at level 9).

(** The product of f k over k = 0, …, n − 1 is written Π k < n, f k. *)
Fixpoint product (n : nat) (f : nat -> R) : R :=
  match n with O => 1 | S m => product m f * f m end.
Notation "'Π' k < n , f" := (product n (fun k => f)) (at level 41, k name, n at level 9).

(** Kronecker's delta is 1 where i = j, and 0 elsewhere. *)
Definition δ (i j : nat) : R := if Nat.eqb i j then 1 else 0.

(** The vector z with h in the place of its entry j. *)
Definition put (z : vec) (j : nat) (h : R) : vec :=
  fun k => if Nat.eqb k j then h else z k.

(** At z, the function f has a partial derivative with respect to entry j, and it is d. *)
Definition partial (f : vec -> R) (z : vec) (j : nat) (d : R) : Prop :=
  is_derive (fun h => f (put z j h)) (z j) d.

(** The logistic function. *)
Definition σ (z : R) : R := / (1 + exp (- z)).

(** The costs of a logistic unit with target 1: the squared error and the cross-entropy. *)
Definition squared (z : R) : R := (σ z - 1) ^ 2 / 2.
Definition crossed (z : R) : R := - ln (σ z).

(** A unit follows the slope of a cost C until time T if its logit changes at the rate of minus the slope. *)
Definition follows (C z : R -> R) (T : R) : Prop :=
  forall s, 0 <= s <= T -> is_derive z s (- Derive C (z s)).

(** Two numbers (m, s) are a state, which stands for the total s exp m. States are merged like this. *)
Definition state := (R * R)%type.
Definition total (a : state) : R := snd a * exp (fst a).
Definition merge (a b : state) : state :=
  let m := Rmax (fst a) (fst b) in
  (m, snd a * exp (fst a - m) + snd b * exp (fst b - m)).

(** K is any number of classes. *)
Section Classes.
Variable K : nat.

(** The normalizer of the logits z. *)
Definition normalizer (z : vec) : R := Σ k < K, exp (z k).

(** Output i of softmax. *)
Definition y (z : vec) (i : nat) : R := exp (z i) / normalizer z.

(** The cross-entropy of targets t and outputs p. *)
Definition cost (t p : vec) : R := - (Σ k < K, t k * ln (p k)).

(** A distribution has no negative entry and sums to one. *)
Definition distribution (t : vec) : Prop :=
  (∀ k < K, 0 <= t k) /\ Σ k < K, t k = 1.

(** * Lemmas about sums *)
Lemma sum_linear n a b f g h : (∀ k < n, h k = a * f k + b * g k) ->
  sum n h = a * (Σ k < n, f k) + b * Σ k < n, g k.
Proof. induction n as [|n IH]; intros H; simpl; [ring|]. rewrite H, IH by (intros; try apply H; lia). ring. Qed.
Lemma sum_opp n f : Σ k < n, - f k = - Σ k < n, f k.
Proof. rewrite (sum_linear n (-1) 0 f (fun _ => 0)) by (intros; ring). ring. Qed.
Lemma sum_const n c : Σ k < n, c = INR n * c.
Proof. induction n as [|n IH]; [simpl; ring|rewrite S_INR; simpl; rewrite IH; ring]. Qed.
Lemma sum_le n f g : (∀ k < n, f k <= g k) -> sum n f <= sum n g.
Proof. induction n as [|n IH]; intros H; simpl; [lra|]. apply Rplus_le_compat; [apply IH; intros|]; apply H; lia. Qed.
Lemma sum_lt n f g t : (∀ k < n, f k <= g k) -> (∀ k < n, 0 < t k -> f k < g k) ->
  0 < Σ k < n, t k -> sum n f < sum n g.
Proof.
  induction n as [|n IH]; simpl; intros Hle Hlt Ht; [lra|]. destruct (Rlt_dec 0 (t n)).
  - apply Rplus_le_lt_compat; [apply sum_le; intros; apply Hle; lia|apply Hlt; easy || lia].
  - apply Rplus_lt_le_compat; [apply IH; [intros; apply Hle; lia|intros; apply Hlt; easy || lia|lra]|apply Hle; lia].
Qed.
Lemma ln_product n f : (∀ k < n, 0 < f k) -> 0 < (Π k < n, f k) /\ ln (Π k < n, f k) = Σ k < n, ln (f k).
Proof.
  induction n as [|n IH]; intros H; simpl; [rewrite ln_1; lra|]. destruct IH as [H0 <-]; [intros; apply H; lia|].
  pose proof (H n ltac:(lia)). split; [now apply Rmult_lt_0_compat|now apply ln_mult]. Qed.
Lemma δ_same i : δ i i = 1. Proof. unfold δ. now rewrite Nat.eqb_refl. Qed.
Lemma δ_sym i j : δ i j = δ j i. Proof. unfold δ. now rewrite Nat.eqb_sym. Qed.
Lemma δ_other i j : i <> j -> δ i j = 0. Proof. unfold δ. destruct (Nat.eqb_spec i j); easy. Qed.
Lemma sum_δ n f : ∀ j < n, Σ k < n, f k * δ k j = f j.
Proof.
  induction n as [|n IH]; intros j H; simpl; [lia|]. destruct (Nat.eq_dec j n) as [->|].
  - rewrite (sum_linear n 0 0 f f), δ_same; [ring|]. intros. rewrite δ_other by lia. ring.
  - rewrite IH, δ_other by lia. ring. Qed.
Lemma one_entry n f : (∀ k < n, 0 <= f k) -> ∀ i < n, f i <= sum n f.
Proof.
  intros Hf i Hi. rewrite <- (sum_δ n f i Hi). apply sum_le. intros k Hk. specialize (Hf k Hk).
  unfold δ. destruct (Nat.eqb k i); lra. Qed.
Lemma exp_le a b : a <= b -> exp a <= exp b. Proof. intros [H| ->]; [now apply Rlt_le, exp_increasing|lra]. Qed.

(** * Lemmas about derivatives *)
Ltac in_reals := unfold scal, plus, opp, zero, one; simpl; unfold mult; simpl.
Lemma put_same z j : put z j (z j) = z.
Proof. extensionality k. unfold put. now destruct (Nat.eqb_spec k j) as [->|]. Qed.
Lemma partial_entry f z j k d : is_derive f (z k) d -> partial (fun z => f (z k)) z j (d * δ k j).
Proof.
  intros H. unfold partial, put, δ. destruct (Nat.eqb_spec k j) as [->|]; [now rewrite Rmult_1_r|].
  rewrite Rmult_0_r. apply @is_derive_const. Qed.
Lemma partial_chain f g z j d e : is_derive f (g z) e -> partial g z j d -> partial (fun z => f (g z)) z j (e * d).
Proof.
  intros Hf Hg. unfold partial. rewrite Rmult_comm.
  apply (is_derive_comp f (fun h => g (put z j h))); [now rewrite put_same|exact Hg]. Qed.
Lemma partial_opp f z j d : partial f z j d -> partial (fun z => - f z) z j (- d). Proof. apply @is_derive_opp. Qed.
Lemma partial_sum n (f : nat -> vec -> R) d z j :
  (∀ k < n, partial (f k) z j (d k)) -> partial (fun z => Σ k < n, f k z) z j (sum n d).
Proof.
  unfold partial. induction n as [|n IH]; intros H; simpl; [apply @is_derive_const|].
  apply (is_derive_plus (fun h => Σ k < n, f k (put z j h))); [apply IH; intros|]; apply H; lia. Qed.

(** * Lemmas about softmax *)
Lemma exp_le_normalizer z : ∀ i < K, exp (z i) <= normalizer z.
Proof. apply (one_entry K (fun k => exp (z k))). intros. apply Rlt_le, exp_pos. Qed.
Lemma normalizer_pos z : (0 < K)%nat -> 0 < normalizer z.
Proof. intros. apply Rlt_le_trans with (exp (z O)); [apply exp_pos|now apply exp_le_normalizer]. Qed.
Lemma y_pos z i : (0 < K)%nat -> 0 < y z i.
Proof. intros. apply Rdiv_lt_0_compat; [apply exp_pos|now apply normalizer_pos]. Qed.
Lemma y_sum z : (0 < K)%nat -> Σ i < K, y z i = 1.
Proof.
  intros HK. pose proof (normalizer_pos z HK). unfold y.
  rewrite (sum_linear K (/ normalizer z) 0 (fun k => exp (z k)) (fun _ => 0)) by (intros; field; lra).
  fold (normalizer z). field. lra. Qed.
Lemma y_two z : ∀ i < K, ∀ j < K, i <> j -> y z i + y z j <= 1.
Proof.
  intros i Hi j Hj Hij. rewrite <- (y_sum z), <- (sum_δ K (y z) i), <- (sum_δ K (y z) j) by lia.
  rewrite <- (Rmult_1_l (Σ k < K, y z k * δ k i)), <- (Rmult_1_l (Σ k < K, y z k * δ k j)).
  rewrite <- (sum_linear K 1 1 _ _ (fun k => y z k * δ k i + y z k * δ k j)) by (intros; ring).
  apply sum_le. intros k Hk. pose proof (y_pos z k ltac:(lia)).
  unfold δ. destruct (Nat.eqb_spec k i), (Nat.eqb_spec k j); lia || lra. Qed.
Lemma y_range z : (2 <= K)%nat -> ∀ i < K, 0 < y z i < 1.
Proof.
  intros HK i Hi. split; [apply y_pos; lia|]. set (j := if Nat.eqb i 0 then 1%nat else O).
  assert (j < K /\ i <> j)%nat as [Hj Hij] by (unfold j; destruct (Nat.eqb_spec i 0); lia).
  pose proof (y_two z i Hi j Hj Hij). pose proof (y_pos z j ltac:(lia)). lra. Qed.
Lemma distribution_range t : distribution t -> ∀ i < K, 0 <= t i <= 1.
Proof. intros [Ht <-] i Hi. split; [now apply Ht|now apply (one_entry K t)]. Qed.
Lemma y_distribution z : (0 < K)%nat -> distribution (y z).
Proof. split; [intros; now apply Rlt_le, y_pos|now apply y_sum]. Qed.
Lemma partial_normalizer z : ∀ j < K, partial normalizer z j (exp (z j)).
Proof.
  intros j Hj. rewrite <- (sum_δ K (fun k => exp (z k)) j Hj). apply partial_sum.
  intros. apply partial_entry, is_derive_exp. Qed.

(** The Jacobian of softmax. *)
Theorem jacobian (z : vec) : ∀ i < K, ∀ j < K,
  partial (fun z => y z i) z j (y z i * (δ i j - y z j)).
Proof.
  intros i Hi j Hj. pose proof (normalizer_pos z ltac:(lia)). unfold partial, y. evar_last.
  - apply (is_derive_div (fun h => exp (put z j h i)) (fun h => normalizer (put z j h)));
      [apply (partial_entry exp), is_derive_exp|now apply partial_normalizer|rewrite put_same; lra].
  - rewrite !put_same. field. lra. Qed.
Lemma partial_ln_y z : ∀ c < K, ∀ j < K, partial (fun z => ln (y z c)) z j (δ c j - y z j).
Proof.
  intros c Hc j Hj. pose proof (y_pos z c ltac:(lia)). evar_last.
  - apply (partial_chain ln (fun z => y z c)); [now apply is_derive_ln|now apply jacobian].
  - field. lra. Qed.

(** * Lemmas about the logistic unit *)
Lemma σ_range z : 0 < σ z < 1.
Proof.
  pose proof (exp_pos (- z)). unfold σ. split; [apply Rinv_0_lt_compat; lra|].
  rewrite <- Rinv_1. apply Rinv_lt_contravar; lra. Qed.
Lemma derive_squared z : is_derive squared z (- (σ z * (1 - σ z) ^ 2)).
Proof. pose proof (exp_pos (- z)). unfold squared, σ. auto_derive; [lra|field; lra]. Qed.
Lemma derive_crossed z : is_derive crossed z (- (1 - σ z)).
Proof.
  pose proof (exp_pos (- z)). unfold crossed, σ. auto_derive; [|field; lra].
  repeat split; try lra. apply Rinv_0_lt_compat. lra. Qed.

(** A unit that follows a slope and ends at 0 has taken the time escape (z 0). *)
Lemma escape_time (C speed escape z : R -> R) T :
  (forall x, is_derive C x (- speed x)) -> (forall x, 0 < speed x) ->
  (forall x, is_derive escape x (- / speed x)) -> escape 0 = 0 -> 0 < T -> z T = 0 -> follows C z T -> T = escape (z 0).
Proof.
  intros HC Hs He H0 HT E Hz. assert (escape (z 0) + 0 = escape (z T) + T) as H; [|rewrite E, H0 in H; lra].
  apply (eq_is_derive (fun s => escape (z s) + s) 0 T); [|exact HT]. intros s H. evar_last.
  - apply @is_derive_plus; [apply (is_derive_comp escape z); [apply He|apply Hz, H]|apply @is_derive_id].
  - rewrite (is_derive_unique C _ _ (HC (z s))). in_reals. specialize (Hs (z s)). field. lra. Qed.

(** * The claims of the lecture *)

(** Claim 01. Squared error suits linear units: the slope is the error. *)
Theorem claim_01 (z t : vec) : ∀ j < K,
  partial (fun z => Σ k < K, (z k - t k) ^ 2 / 2) z j (z j - t j).
Proof.
  intros j Hj. rewrite <- (sum_δ K (fun k => z k - t k) j Hj). apply partial_sum. intros k Hk.
  apply (partial_entry (fun h => (h - t k) ^ 2 / 2)). auto_derive; [easy|field]. Qed.

(** Claim 02. With target 1 and output one billionth, the slope of the squared error is minus one billionth, nearly, and
    the slope of the cross-entropy is nearly −1. *)
Theorem claim_02 : exists z, σ z = / 10 ^ 9 /\
  is_derive squared z (- (/ 10 ^ 9 * (1 - / 10 ^ 9) ^ 2)) /\
  is_derive crossed z (- (1 - / 10 ^ 9)).
Proof.
  exists (- ln (10 ^ 9 - 1)). assert (σ (- ln (10 ^ 9 - 1)) = / 10 ^ 9) as E.
  { unfold σ. rewrite Ropp_involutive, exp_ln by lra. f_equal. ring. }
  rewrite <- E. split; [easy|]. split; [apply derive_squared|apply derive_crossed]. Qed.

(** Claim 03. A logistic unit with target 1 starts from an output p of at most one half, and reaches one half at time T.
    Under squared error T grows like 1/p, under cross-entropy like − ln p. *)
Theorem claim_03 (z : R -> R) (T : R) : 0 < T -> z 0 <= 0 -> z T = 0 ->
  let p := σ (z 0) in
  (follows squared z T ->
    T = exp (- z 0) - 3 * z 0 - 3 * exp (z 0) - exp (2 * z 0) / 2 + 5 / 2 /\
    / p - 2 <= T <= / p - 3 * ln p + 3 / 2) /\
  (follows crossed z T ->
    T = 1 - z 0 - exp (z 0) /\ - ln p - 1 <= T <= - ln p + 1).
Proof.
  intros HT Hz0 HzT p. pose proof (exp_ineq1_le 1) as He. pose proof (exp_pos (z 0)). pose proof (exp_pos (- z 0)).
  assert (forall x, exp (2 * x) = exp x * exp x) as E2 by (intros; rewrite <- exp_plus; f_equal; ring).
  assert (exp (z 0) * exp (- z 0) = 1) as E0 by (rewrite <- exp_plus, <- exp_0; f_equal; ring).
  assert (exp (z 0) <= 1) as H1 by (rewrite <- exp_0; now apply exp_le).
  assert (/ p = 1 + exp (- z 0)) as Hp by (unfold p, σ; now rewrite Rinv_inv). assert (- z 0 <= - ln p <= 1 - z 0) as L.
  { rewrite <- ln_Rinv, Hp by apply σ_range. rewrite <- (ln_exp (- z 0)) at 1. rewrite <- (ln_exp (1 - z 0)).
    unfold Rminus. rewrite exp_plus. split; apply ln_le; nra. }
  split; intros Hf.
  - enough (T = exp (- z 0) - 3 * z 0 - 3 * exp (z 0) - exp (2 * z 0) / 2 + 5 / 2) by (rewrite E2 in *; nra).
    apply (escape_time squared (fun x => σ x * (1 - σ x) ^ 2)
      (fun x => exp (- x) - 3 * x - 3 * exp x - exp (2 * x) / 2 + 5 / 2) z T derive_squared); try easy; intros.
    + pose proof (σ_range x). apply Rmult_lt_0_compat, pow_lt; lra.
    + pose proof (exp_pos x). evar_last; [auto_derive; easy|]. unfold σ. rewrite E2, exp_Ropp. field. lra.
    + rewrite !Rmult_0_r, Ropp_0, exp_0. lra.
  - enough (T = 1 - z 0 - exp (z 0)) by lra.
    apply (escape_time crossed (fun x => 1 - σ x) (fun x => 1 - x - exp x) z T derive_crossed); try easy; intros.
    + pose proof (σ_range x). lra.
    + pose proof (exp_pos x). evar_last; [auto_derive; easy|]. unfold σ. rewrite exp_Ropp. field. lra.
    + rewrite exp_0. lra. Qed.

(** Claim 04. No two outputs of softmax are both 3/4, while logistic outputs can be. Softmax under squared error keeps
    the plateau: where the right output y_c is small, so is the slope. Cross-entropy cures it, also for a logistic
    unit, whose slope is then −(1 − σ). *)
Theorem claim_04 (z : vec) : ∀ i < K, ∀ j < K, ∀ c < K, i <> j ->
  ~ (y z i = 3 / 4 /\ y z j = 3 / 4) /\
  (exists x, σ x = 3 / 4) /\
  (let slope := y z c * (2 * y z c - 1 - Σ k < K, y z k ^ 2) in
    partial (fun z => Σ k < K, (y z k - δ k c) ^ 2 / 2) z c slope /\
    Rabs slope <= 2 * y z c) /\
  (forall x, is_derive crossed x (- (1 - σ x))).
Proof.
  intros i Hi j Hj c Hc Hij. pose proof (y_two z i Hi j Hj Hij).
  pose proof (y_distribution z ltac:(lia)) as D. pose proof (distribution_range (y z) D) as Hy.
  split; [lra|split; [|split; [intros slope; split|exact derive_crossed]]].
  - exists (ln 3). unfold σ. rewrite exp_Ropp, exp_ln; lra.
  - evar_last.
    + apply (partial_sum K (fun k z => (y z k - δ k c) ^ 2 / 2)). intros k Hk.
      apply (partial_chain (fun h => (h - δ k c) ^ 2 / 2) (fun z => y z k)); [auto_derive; easy|now apply jacobian].
    + rewrite (sum_linear K (y z c) (- y z c) (fun k => (2 * y z k - δ k c) * δ k c) (fun k => y z k ^ 2)).
      * rewrite (sum_δ K (fun k => 2 * y z k - δ k c) c Hc), δ_same. unfold slope. ring.
      * intros k Hk. destruct (Nat.eq_dec k c) as [->|]; [rewrite δ_same|rewrite δ_other by easy]; field.
  - pose proof (one_entry K (fun k => y z k ^ 2) (fun k _ => pow2_ge_0 _) c Hc) as H0. cbv beta in H0.
    assert (Σ k < K, y z k ^ 2 <= Σ k < K, y z k) as H1 by (apply sum_le; intros k Hk; specialize (Hy k Hk); nra).
    destruct D as [_ D]. rewrite D in H1. specialize (Hy c Hc). unfold slope. apply Rabs_le. nra. Qed.

(** Claim 05. Log-sum-exp is the soft maximum: it exceeds the largest logit by at most ln K, and its gradient is
    softmax. Softmax is the soft arg max: it orders the classes as the logits do, and if all rivals lie below z_c by g
    or more, they share at most K exp(−g). *)
Theorem claim_05 (z : vec) (g : R) : ∀ i < K, ∀ j < K, ∀ c < K,
  ((∀ k < K, z k <= z c) -> z c <= ln (normalizer z) <= z c + ln (INR K)) /\
  partial (fun z => ln (normalizer z)) z j (y z j) /\
  (y z i < y z j <-> z i < z j) /\
  ((∀ k < K, k <> c -> z k <= z c - g) -> 1 - y z c <= INR K * exp (- g)).
Proof.
  intros i Hi j Hj c Hc. pose proof (normalizer_pos z ltac:(lia)) as HS. pose proof (lt_0_INR K ltac:(lia)).
  pose proof (exp_le_normalizer z c Hc) as Hz. pose proof (exp_pos (z c)). split; [|split; [|split]].
  - intros Hm. rewrite <- (ln_exp (z c)) at 1 2. rewrite <- ln_mult by lra. split; apply ln_le; try easy.
    rewrite Rmult_comm, <- sum_const. apply sum_le. intros. now apply exp_le, Hm.
  - evar_last; [apply (partial_chain ln normalizer); [now apply is_derive_ln|now apply partial_normalizer]|].
    unfold y. field. lra.
  - unfold y, Rdiv. pose proof (Rinv_0_lt_compat _ HS). split; intros Hlt;
      [apply exp_lt_inv|apply exp_increasing in Hlt]; nra.
  - intros Hg. rewrite <- sum_const. replace (1 - y z c) with (Σ k < K, (y z k - y z k * δ k c)).
    2: { rewrite (sum_linear K 1 (-1) (y z) (fun k => y z k * δ k c)), sum_δ, y_sum by (lia || intros; ring). ring. }
    apply sum_le. intros k Hk. pose proof (exp_pos (- g)).
    destruct (Nat.eq_dec k c) as [->|Hkc]; [rewrite δ_same; lra|rewrite δ_other by easy].
    pose proof (exp_le _ _ (Hg k Hk Hkc)) as Hx. unfold Rminus in Hx. rewrite exp_plus in Hx.
    rewrite Rmult_0_r, Rminus_0_r. apply Rle_div_l; [easy|nra]. Qed.

(** Claim 06. Differences of logits are log-ratios of outputs. The log-odds of class i are z_i minus the log-sum-exp of
    its rivals. A constant a, added to all logits, changes nothing. *)
Theorem claim_06 (z : vec) (a : R) : (2 <= K)%nat -> ∀ i < K, ∀ j < K,
  ln (y z i / y z j) = z i - z j /\
  ln (y z i / (1 - y z i)) = z i - ln (Σ k < K, exp (z k) * (1 - δ k i)) /\
  y (fun k => z k + a) i = y z i.
Proof.
  intros HK i Hi j Hj. pose proof (normalizer_pos z ltac:(lia)). pose proof (exp_pos (z i)). split; [|split].
  - pose proof (exp_pos (z j)). rewrite <- (ln_exp (z i - z j)). f_equal.
    unfold y, Rminus. rewrite exp_plus, exp_Ropp. field. lra.
  - pose proof (y_range z HK i Hi). replace (Σ k < K, exp (z k) * (1 - δ k i)) with (normalizer z * (1 - y z i)).
    + rewrite !ln_div, ln_mult by nra. unfold y at 1. rewrite ln_div, ln_exp by easy. ring.
    + rewrite (sum_linear K 1 (-1) (fun k => exp (z k)) (fun k => exp (z k) * δ k i)) by (intros; ring).
      rewrite (sum_δ K (fun k => exp (z k)) i Hi). fold (normalizer z). unfold y. field. lra.
  - unfold y, normalizer. pose proof (exp_pos a).
    rewrite (sum_linear K (exp a) 0 (fun k => exp (z k)) (fun _ => 0)) by (intros; rewrite exp_plus; ring).
    fold (normalizer z). rewrite exp_plus. field. lra. Qed.

(** Claim 07. The outputs sum to one, and each lies between 0 and 1. *)
Theorem claim_07 (z : vec) : (2 <= K)%nat ->
  Σ i < K, y z i = 1 /\ ∀ i < K, 0 < y z i < 1.
Proof. intros HK. split; [apply y_sum; lia|now apply y_range]. Qed.

(** Claim 08. An output falls as a rival's logit rises, and each row of the Jacobian sums to zero. *)
Theorem claim_08 (z : vec) : ∀ i < K, ∀ j < K, i <> j ->
  partial (fun z => y z i) z j (- (y z i * y z j)) /\
  - (y z i * y z j) < 0 /\
  Σ k < K, y z i * (δ i k - y z k) = 0.
Proof.
  intros i Hi j Hj Hij. pose proof (y_pos z i ltac:(lia)). pose proof (y_pos z j ltac:(lia)). split; [|split; [nra|]].
  - evar_last; [now apply jacobian|]. rewrite δ_other by easy. ring.
  - rewrite (sum_linear K 1 (- y z i) (fun k => y z i * δ k i) (y z)) by (intros; rewrite (δ_sym i); ring).
    rewrite (sum_δ K (fun _ => y z i) i Hi), y_sum by lia. ring. Qed.

(** Claim 09. The derivative of an output with respect to its own logit is y_i (1 − y_i). *)
Theorem claim_09 (z : vec) : ∀ i < K,
  partial (fun z => y z i) z i (y z i * (1 - y z i)).
Proof. intros i Hi. rewrite <- (δ_same i) at 1. now apply jacobian. Qed.

(** Claim 10. Three ways to forget the normalizer's terms are wrong for every z: the denominator held constant, the
    diagonal only, and the slope of the logistic function. The first is wrong in every entry, the others in every entry
    off the diagonal. *)
Theorem claim_10 (z : vec) : (2 <= K)%nat -> ∀ i < K, ∀ j < K,
  ~ partial (fun z => y z i) z j (δ i j * y z i) /\
  (i <> j -> ~ partial (fun z => y z i) z j (δ i j * (y z i * (1 - y z i)))) /\
  (i <> j -> ~ partial (fun z => y z i) z j (δ i j * (σ (z i) * (1 - σ (z i))))).
Proof.
  intros HK i Hi j Hj. pose proof (y_pos z i ltac:(lia)). pose proof (y_pos z j ltac:(lia)).
  assert (forall d, partial (fun z => y z i) z j d -> d = y z i * (δ i j - y z j)) as D.
  { intros d Hd. rewrite <- (is_derive_unique _ _ _ Hd). apply is_derive_unique, (jacobian z i Hi j Hj). }
  split; [|split; intros Hij]; intros Hd; apply D in Hd; [|rewrite δ_other in Hd by easy..]; nra. Qed.

(** Claim 11. The negative log probability of N observations is the sum of their costs. With a one-hot target the cost
    is − ln p_c. No outputs p cost less than the true frequencies t. *)
Theorem claim_11 (N : nat) (q t p : vec) :
  (∀ n < N, 0 < q n) -> distribution t -> distribution p -> (∀ k < K, 0 < p k) ->
  - ln (Π n < N, q n) = Σ n < N, - ln (q n) /\
  (∀ c < K, cost (fun k => δ k c) p = - ln (p c)) /\
  cost t t <= cost t p.
Proof.
  intros Hq [Ht St] [_ Sp] Hp. unfold cost. split; [|split].
  - rewrite sum_opp. now rewrite (proj2 (ln_product N q Hq)).
  - intros c Hc. rewrite (sum_linear K 1 0 (fun k => ln (p k) * δ k c) (fun _ => 0)) by (intros; ring).
    rewrite (sum_δ K (fun k => ln (p k)) c Hc). ring.
  - enough (Σ k < K, (t k * ln (p k) - t k * ln (t k)) <= Σ k < K, (p k - t k)) as H.
    { rewrite (sum_linear K 1 (-1) (fun k => t k * ln (p k)) (fun k => t k * ln (t k))) in H by (intros; ring).
      rewrite (sum_linear K 1 (-1) p t (fun k => p k - t k)), Sp, St in H by (intros; ring). lra. }
    apply sum_le. intros k Hk. pose proof (Hp k Hk). destruct (Ht k Hk) as [Hk0| <-]; [|lra].
    pose proof (exp_ineq1_le (ln (p k / t k))) as L. rewrite exp_ln, ln_div in L by (try apply Rdiv_lt_0_compat; lra).
    apply (Rmult_le_compat_l (t k)) in L; [|lra]. replace (t k * (p k / t k)) with (p k) in L by (field; lra). lra. Qed.

(** Claim 12. The slope of the cost with respect to an output is − t_i / p_i. *)
Theorem claim_12 (t p : vec) : (∀ k < K, 0 < p k) -> ∀ i < K,
  partial (cost t) p i (- (t i / p i)).
Proof.
  intros Hp i Hi. unfold cost. rewrite <- (sum_δ K (fun k => t k / p k) i Hi).
  apply partial_opp, (partial_sum K (fun k p => t k * ln (p k))). intros k Hk. specialize (Hp k Hk).
  apply (partial_entry (fun h => t k * ln h)). auto_derive; [easy|field; lra]. Qed.

(** Claim 13. From one in a billion to one in a million the cost falls by ln 1000, though they differ by less than a
    millionth. *)
Theorem claim_13 :
  - ln (/ 10 ^ 9) - - ln (/ 10 ^ 6) = ln 1000 /\ / 10 ^ 6 - / 10 ^ 9 < / 10 ^ 6.
Proof.
  split; [|lra]. replace (10 ^ 9) with (1000 * 10 ^ 6) by ring. rewrite !ln_Rinv, ln_mult by lra. ring. Qed.

(** Claim 14. A bet of o to 1 against an event of probability p is fair if o is (1 − p) / p, which is a million or a
    billion, less one, for p one millionth or one billionth. The logarithm of the ratio of two gamblers' wealth after N
    bets with payoffs b is the difference of their costs. *)
Theorem claim_14 (p o : R) (N : nat) (q r b : vec) : 0 < p ->
  (∀ n < N, 0 < q n) -> (∀ n < N, 0 < r n) -> (∀ n < N, 0 < b n) ->
  ((1 - p) * 1 - p * o = 0 <-> o = (1 - p) / p) /\
  (p = / 10 ^ 6 -> (1 - p) / p = 10 ^ 6 - 1) /\
  (p = / 10 ^ 9 -> (1 - p) / p = 10 ^ 9 - 1) /\
  ln ((Π n < N, q n * b n) / (Π n < N, r n * b n)) =
  (Σ n < N, - ln (r n)) - Σ n < N, - ln (q n).
Proof.
  intros Hp Hq Hr Hb. split; [|split; [intros ->; field|split; [intros ->; field|]]].
  - split; intros E; [apply (Rmult_eq_reg_l p); [field_simplify|]; lra|subst o; field; lra].
  - assert (forall f, (∀ n < N, 0 < f n) -> ∀ n < N, 0 < f n * b n) as Hf
      by (intros f Hf n Hn; now apply Rmult_lt_0_compat; [apply Hf|apply Hb]).
    destruct (ln_product N _ (Hf q Hq)) as [Pq Eq], (ln_product N _ (Hf r Hr)) as [Pr Er].
    rewrite ln_div, Eq, Er, (sum_linear N 1 1 (fun n => ln (q n)) (fun n => ln (b n)) (fun n => ln (q n * b n))),
      (sum_linear N 1 1 (fun n => ln (r n)) (fun n => ln (b n)) (fun n => ln (r n * b n))), !sum_opp
      by (easy || intros; rewrite ln_mult by auto; ring). ring. Qed.

(** Claim 15. The steepness of the cost, − 1/y_c, and the flatness of the output, y_c (1 − y_c), balance: their product
    −(1 − y_c) is the slope. *)
Theorem claim_15 (z : vec) : ∀ c < K,
  (- / y z c) * (y z c * (1 - y z c)) = - (1 - y z c) /\
  partial (fun z => - ln (y z c)) z c (- (1 - y z c)).
Proof.
  intros c Hc. pose proof (y_pos z c ltac:(lia)). split; [field; lra|].
  apply partial_opp. rewrite <- (δ_same c) at 1. now apply partial_ln_y. Qed.

(** Claim 16. Added up over all outputs, the slope is y_j − t_j for targets that sum to one. In general it is y_j times
    the sum of the targets, minus t_j. *)
Theorem claim_16 (z t : vec) : ∀ j < K,
  let slope := Σ i < K, (- (t i / y z i)) * (y z i * (δ i j - y z j)) in
  partial (fun z => cost t (y z)) z j slope /\
  slope = y z j * (Σ k < K, t k) - t j /\
  (Σ k < K, t k = 1 -> slope = y z j - t j).
Proof.
  intros j Hj slope. assert (slope = y z j * (Σ k < K, t k) - t j) as E.
  { unfold slope. rewrite (sum_linear K (y z j) (-1) t (fun k => t k * δ k j)), (sum_δ K t j Hj); [ring|].
    intros k Hk. pose proof (y_pos z k ltac:(lia)). field. lra. }
  split; [|split; [easy|intros S1; rewrite E, S1; ring]]. unfold cost. evar_last.
  - apply partial_opp, (partial_sum K (fun k z => t k * ln (y z k))). intros k Hk.
    apply (is_derive_scal (fun h => ln (y (put z j h) k))). now apply partial_ln_y.
  - rewrite E. in_reals. rewrite (sum_linear K 1 (- y z j) (fun k => t k * δ k j) t (fun k => t k * (δ k j - y z j)))
      by (intros; ring). rewrite (sum_δ K t j Hj). ring. Qed.

(** Claim 17. The slope of each logit lies strictly between −1 and 1. The gradient as a vector has other bounds: its
    absolute values add up to less than 2, and so do its squares. The slope of a weight w, where z_j = w x + b, is
    scaled by its input x. *)
Theorem claim_17 (z t : vec) (w x b : R) : (2 <= K)%nat -> distribution t ->
  (∀ j < K, Rabs (y z j - t j) < 1) /\
  Σ k < K, Rabs (y z k - t k) < 2 /\
  Σ k < K, (y z k - t k) ^ 2 < 2 /\
  (∀ j < K, z j = w * x + b ->
    is_derive (fun w => cost t (y (put z j (w * x + b)))) w ((y z j - t j) * x)).
Proof.
  intros HK Ht. assert (∀ k < K, Rabs (y z k - t k) < 1) as H1.
  { intros k Hk. pose proof (distribution_range t Ht k Hk). pose proof (y_range z HK k Hk). apply Rabs_def1; lra. }
  assert (Σ k < K, Rabs (y z k - t k) < 2) as H2.
  { destruct Ht as [Ht St].
    replace 2 with (1 * (Σ k < K, y z k) + 1 * Σ k < K, t k) by (rewrite y_sum, St by lia; ring).
    rewrite <- (sum_linear K 1 1 (y z) t (fun k => y z k + t k)) by (intros; ring).
    apply sum_lt with t; try lra; intros k Hk; pose proof (y_pos z k ltac:(lia)); specialize (Ht k Hk);
      [apply Rabs_le; lra|intros; apply Rabs_def1; lra]. }
  split; [easy|split; [easy|split]].
  - apply Rle_lt_trans with (2 := H2). apply sum_le. intros k Hk. rewrite <- pow2_abs.
    specialize (H1 k Hk). pose proof (Rabs_pos (y z k - t k)). nra.
  - intros j Hj E. destruct (claim_16 z t j Hj) as [D [_ E16]]. rewrite (E16 (proj2 Ht)) in D. evar_last.
    + apply (is_derive_comp (fun h => cost t (y (put z j h))) (fun w => w * x + b)); [|auto_derive; easy].
      rewrite <- E. exact D.
    + in_reals. ring. Qed.

(** Claim 18. The largest slope is that of the right answer c, and it is the error, so it is small only where the answer
    is nearly right. With equal logits a each output, and so each rival's slope, is 1/K. The curvature is smaller than
    the output and than the error. *)
Theorem claim_18 (z : vec) (a : R) : (2 <= K)%nat -> ∀ c < K, ∀ i < K,
  Rabs (y z i - δ i c) <= Rabs (y z c - δ c c) /\
  Rabs (y z c - δ c c) = 1 - y z c /\
  y (fun _ => a) i = / INR K /\
  let curvature := y z c * (1 - y z c) in
  partial (fun z => y z c - δ c c) z c curvature /\
  curvature < y z c /\ curvature < 1 - y z c.
Proof.
  intros HK c Hc i Hi. pose proof (y_range z HK c Hc). pose proof (y_range z HK i Hi). rewrite δ_same.
  assert (Rabs (y z c - 1) = 1 - y z c) as E by (rewrite Rabs_left; lra).
  split; [|split; [easy|split; [|split; [|split; nra]]]].
  - destruct (Nat.eq_dec i c) as [->|N]; [rewrite δ_same; lra|].
    rewrite δ_other, E, Rabs_right by (easy || lra). pose proof (y_two z i Hi c Hc N). lra.
  - unfold y, normalizer. rewrite sum_const. pose proof (exp_pos a). pose proof (lt_0_INR K ltac:(lia)). field. lra.
  - evar_last; [apply @is_derive_minus; [now apply claim_09|apply @is_derive_const]|]. unfold minus. in_reals. ring.
Qed.

(** J as a variance. The Jacobian J times a vector v is y_i times v_i minus the mean of v, and v J v is the variance of
    v, both with the outputs as probabilities. *)
Theorem variance (z v : vec) : (0 < K)%nat ->
  let J i j := y z i * (δ i j - y z j) in
  let mean := Σ k < K, y z k * v k in
  (∀ i < K, Σ j < K, J i j * v j = y z i * (v i - mean)) /\
  Σ i < K, v i * (Σ j < K, J i j * v j) = Σ i < K, y z i * (v i - mean) ^ 2.
Proof.
  intros HK J mean. assert (∀ i < K, Σ j < K, J i j * v j = y z i * (v i - mean)) as E.
  { intros i Hi. rewrite (sum_linear K (y z i) (- y z i) (fun j => v j * δ j i) (fun j => y z j * v j));
      [rewrite (sum_δ K v i Hi); fold mean; ring|intros j _; unfold J; rewrite (δ_sym i); ring]. }
  split; [easy|]. rewrite (sum_linear K 1 mean (fun i => y z i * (v i - mean) ^ 2) (fun i => y z i * (v i - mean)))
    by (intros i Hi; rewrite E by easy; ring).
  rewrite (sum_linear K 1 (- mean) (fun i => y z i * v i) (y z) (fun i => y z i * (v i - mean))) by (intros; ring).
  rewrite y_sum by easy. fold mean. ring. Qed.

End Classes.

(** The merge of states. It is commutative and associative, and totals add up. *)
Theorem merging (a b c : state) :
  merge a b = merge b a /\
  merge (merge a b) c = merge a (merge b c) /\
  total (merge a b) = total a + total b.
Proof.
  assert (forall a b c, exp (a - b) * exp (b - c) = exp (a - c)) as E by (intros; rewrite <- exp_plus; f_equal; ring).
  destruct a as [a s], b as [b t], c as [c u]. unfold merge, total; simpl. split; [|split].
  - rewrite (Rmax_comm b). f_equal. ring.
  - rewrite <- Rmax_assoc. f_equal. rewrite !Rmult_plus_distr_r, !Rmult_assoc, !E. ring.
  - rewrite Rmult_plus_distr_r, !Rmult_assoc, <- !exp_plus. f_equal; do 2 f_equal; ring. Qed.
