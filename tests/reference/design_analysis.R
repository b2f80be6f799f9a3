# Reference values for crewe_lib.models.design_analysis, in base R: Gelman and Carlin's `retrodesign` written again from
# their definitions. Where they draw estimates to find the exaggeration, it is integrated here, so nothing is random.
# Run from the repository root: Rscript tests/reference/design_analysis.R > tests/reference/design_analysis.csv
retrodesign <- function(A, s, alpha, df) {
  z <- qt(1 - alpha / 2, df)
  p.hi <- pt(z - A / s, df, lower.tail = FALSE)
  p.lo <- pt(-z - A / s, df)
  power <- p.hi + p.lo
  # Mean of |estimate| over the significant estimates A + s T, T with df degrees of freedom.
  part <- function(lower, upper) {
    f <- function(t) abs(A + s * t) * dt(t, df)
    integrate(f, lower, upper, rel.tol = 1e-12, abs.tol = 0, subdivisions = 2000)$value
  }
  size <- part(z - A / s, Inf) + part(-Inf, -z - A / s)
  c(power, size / power / A, p.lo / power)
}
# The last two cases are the paper's: true effects of 0.1 and 2, with standard errors of 3.28 and 8.1.
cases <- expand.grid(effect = c(0.5, 2, 8, 25), std_error = c(3.28, 8.7866), alpha = c(0.01, 0.05, 0.1),
                     df = c(3, 10, 124, Inf))
cases <- rbind(cases, data.frame(effect = c(0.1, 2), std_error = c(3.28, 8.1), alpha = 0.05, df = Inf))
out <- t(mapply(retrodesign, cases$effect, cases$std_error, cases$alpha, cases$df))
colnames(out) <- c("power", "exaggeration", "sign_error")
cat("# R ", R.version$major, ".", R.version$minor, ", base\n", sep = "")
write.csv(format(cbind(cases, out), digits = 15), row.names = FALSE, quote = FALSE)
