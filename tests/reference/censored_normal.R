# Reference values for crewe_lib.models.censored_normal, from survival's survreg and AER's tobit.
# Run from the repository root: Rscript tests/reference/censored_normal.R > tests/reference/censored_normal.csv
# It also writes censored_normal_input.csv: made lengths of 110 cases, each with a limit of its own (case 'own'), and
# censored at one limit for all (case 'one'), which is what tobit takes.
suppressPackageStartupMessages({library(survival); library(AER)})
set.seed(6)
n <- 110
d <- data.frame(treated = rbinom(n, 1, 2 / 3), female = rbinom(n, 1, 0.4), history = rbinom(n, 1, 0.4))
latent <- round(420 - 60 * d$treated + 30 * d$female + 180 * d$history + rnorm(n, sd = 330))
limit <- sample(300:1300, n, TRUE)
d$own <- pmin(latent, limit); d$own_censored <- as.integer(latent > limit)
d$one <- pmin(latent, 700); d$one_censored <- as.integer(latent > 700)
write.csv(d, "tests/reference/censored_normal_input.csv", row.names = FALSE, quote = FALSE)
out <- data.frame()
add <- function(case, source, quantity, value)
  out <<- rbind(out, data.frame(case = case, source = source, quantity = quantity, value = format(value, digits = 15)))
take <- function(case, source, b, scale, V, loglik) {
  for (j in seq_along(b)) add(case, source, paste0("coefficient ", j - 1), b[j])
  add(case, source, "scale", scale); add(case, source, "log_likelihood", loglik)
  for (i in seq_along(b)) for (j in i:5) add(case, source, paste0("covariance ", i - 1, " ", j - 1), V[i, j])
  add(case, source, "covariance 4 4", V[5, 5])
}
tight <- survreg.control(rel.tolerance = 1e-15, toler.chol = 1e-15, maxiter = 200)
for (case in c("own", "one")) {
  y <- d[[case]]; event <- 1 - d[[paste0(case, "_censored")]]
  fit <- survreg(Surv(y, event) ~ treated + female + history, d, dist = "gaussian", control = tight)
  take(case, "survreg", coef(fit), fit$scale, vcov(fit), fit$loglik[2])
}
fit <- tobit(one ~ treated + female + history, left = -Inf, right = 700, data = d, control = tight)
take("one", "tobit", coef(fit), fit$scale, vcov(fit), as.numeric(logLik(fit)))
# The mean beyond the limit by integration of the density, not by the formula that is under test.
fit <- survreg(Surv(own, 1 - own_censored) ~ treated + female + history, d, dist = "gaussian", control = tight)
for (i in head(which(d$own_censored == 1), 8)) {
  m <- sum(coef(fit) * c(1, d$treated[i], d$female[i], d$history[i])); s <- fit$scale; c0 <- d$own[i]
  above <- integrate(function(y) y * dnorm(y, m, s), c0, m + 12 * s, rel.tol = 1e-12, subdivisions = 1000)$value
  add("own", "integrate", paste0("beyond ", i - 1), above / pnorm(c0, m, s, lower.tail = FALSE))
}
cat("# R ", R.version$major, ".", R.version$minor, ", survival ", as.character(packageVersion("survival")), ", AER ",
    as.character(packageVersion("AER")), "\n", sep = "")
write.csv(out, row.names = FALSE, quote = FALSE)
