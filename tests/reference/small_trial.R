# Reference values for crewe_lib.models.small_trial and trial_priors: nested adaptive quadrature by stats::integrate,
# over the control share itself and, within it, the log odds of the treated share (ours: the log odds ratio and the mean
# of the log odds, fixed nodes). Priors: the one-dimensional integral of the normal's tail over the control share.
# Run from the repository root: Rscript tests/reference/small_trial.R > tests/reference/small_trial.csv
cases <- read.csv("tests/reference/small_trial_input.csv", comment.char = "#")
out <- data.frame()
add <- function(case, quantity, value)
  out <<- rbind(out, data.frame(case = case, quantity = quantity, value = value))
area <- function(f, breaks)
  sum(sapply(seq_len(length(breaks) - 1), function(i)
    if (breaks[i + 1] > breaks[i])
      integrate(f, breaks[i], breaks[i + 1], rel.tol = 1e-11, abs.tol = 1e-15, subdivisions = 2000)$value
    else 0))

posterior <- function(k1, n1, k2, n2, m, s, w, alpha) {
  shares <- sort(unique(c(0, qbeta(c(1e-13, 1e-8, 1e-4, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1 - 1e-4, 1 - 1e-8),
                                   k2 + 1, n2 - k2 + 1), 1)))
  top <- n1 * ifelse(k1 %in% c(0, n1), 0, (k1 / n1) * log(k1 / n1) + (1 - k1 / n1) * log(1 - k1 / n1))
  over <- function(x, weight = function(p1, p2) 1) {
    outer <- function(p2) sapply(p2, function(p) {
      if (p + x >= 1) return(0)
      u <- qlogis(p)
      low <- if (p + x <= 0) -Inf else qlogis(p + x)
      inner <- function(v) exp(k1 * plogis(v, log.p = TRUE) + (n1 - k1) * plogis(-v, log.p = TRUE) - top +
                               dnorm(v, u + m, s, log = TRUE)) * weight(plogis(v), p)
      middle <- qlogis((k1 + 0.5) / (n1 + 1))
      marks <- sort(unique(c(u + m + s * c(-9, -4, -2, 0, 2, 4, 9), middle + c(-1, -0.3, 0, 0.3, 1))))
      marks <- marks[marks >= u + m - 9 * s & marks <= u + m + 9 * s]
      marks <- sort(unique(pmax(marks, low)))
      if (length(marks) < 2) 0 else area(inner, marks)
    }) * dbeta(p2, k2 + 1, n2 - k2 + 1)
    cuts <- c(1 - x, -x); cuts <- cuts[cuts > 0 & cuts < 1]
    area(outer, sort(unique(c(shares, cuts))))
  }
  total <- over(-1)
  chance <- function(x) over(x) / total
  quantile <- function(q) uniroot(function(x) 1 - chance(x) - q, c(-0.99, 0.99), tol = 1e-10)$root
  c(mean = over(-1, function(p1, p2) p1 - p2) / total, median = quantile(0.5), conf_low = quantile(alpha / 2),
    conf_high = quantile(1 - alpha / 2), rise = chance(0), worthwhile_rise = chance(w),
    worthwhile_fall = 1 - chance(-w))
}
for (i in seq_len(nrow(cases))) with(cases[i, ], {
  found <- posterior(k1, n1, k2, n2, mean, sd, worthwhile, alpha)
  for (name in names(found)) add(case, name, found[[name]])
})

ahead <- function(m, s, w)
  area(function(p) pnorm((m - qlogis(p + w) + qlogis(p)) / s), c(0, 1e-6, 1e-3, 0.1, 0.5, 0.9, 0.999, 1) * (1 - w))
for (w in c(0.05, 0.1, 0.25)) {
  z <- qnorm(0.95)
  root <- function(f) uniroot(f, c(1e-3, 8), tol = 1e-13)$root
  add(paste("priors", w), "sceptical", root(function(s) ahead(0, s, w) - 0.05))
  add(paste("priors", w), "enthusiastic", root(function(s) ahead(z * s, s, w) - 0.5))
}
cat("# R ", R.version$major, ".", R.version$minor, ", stats::integrate\n", sep = "")
write.csv(format(out, digits = 15), row.names = FALSE, quote = FALSE)
