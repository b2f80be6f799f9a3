# Reference values for crewe_lib.models.count: quasi-Poisson and negative binomial with an offset, errors clustered by
# family, and averages over two settings of the arm by the delta method with numerical derivatives.
# Run from the repository root: Rscript tests/reference/count.R > tests/reference/count.csv
# It writes the data too: set.seed below.
suppressPackageStartupMessages({library(sandwich); library(MASS)})
set.seed(42)
family <- sort(c(1:40, sample(1:40, 35, replace = TRUE)))
n <- length(family)
treated <- as.integer(family %% 3 != 0)
history <- as.integer(family %% 2 == 0)
possible <- 258 - 2 * rbinom(n, 8, 0.3)
rate <- exp(-2.6 + 0.15 * treated + 0.3 * history + rnorm(40, 0, 0.4)[family] + rnorm(n, 0, 0.7))
missed <- rbinom(n, possible, pmin(rate, 0.9))
missed[c(3, 20, 51)] <- 0
d <- data.frame(family, treated, history, possible, missed)
write.csv(d, "tests/reference/count_input.csv", row.names = FALSE, quote = FALSE)
out <- data.frame()
add <- function(case, term, value) out <<- rbind(out, data.frame(case = case, term = term, value = value))
average <- function(fit, b, arm) {
  x <- model.matrix(delete.response(terms(fit)), transform(d, treated = arm))
  sum(d$possible * exp(x %*% b)) / sum(d$possible)
}
derive <- function(f, b) sapply(seq_along(b), function(j) {
  h <- 1e-5; up <- b; down <- b; up[j] <- b[j] + h; down[j] <- b[j] - h; (f(up) - f(down)) / (2 * h)
})
models <- list(plain = missed ~ treated, history = missed ~ treated + history, crossed = missed ~ treated * history)
for (name in names(models)) {
  fits <- list(
    quasi_poisson = glm(models[[name]], family = quasipoisson, data = d, offset = log(possible),
                        control = glm.control(epsilon = 1e-14, maxit = 100)),
    negative_binomial = glm.nb(update(models[[name]], . ~ . + offset(log(possible))), data = d,
                               control = glm.control(epsilon = 1e-14, maxit = 500)))
  for (kind in names(fits)) {
    fit <- fits[[kind]]; case <- paste(kind, name, sep = ":"); b <- coef(fit)
    v0 <- vcovCL(fit, cluster = d$family, type = "HC0", cadjust = FALSE)
    v1 <- vcovCL(fit, cluster = d$family, type = "HC1")
    for (j in seq_along(b)) {
      add(case, paste0("coefficient", j - 1), b[[j]])
      add(case, paste0("cr0_", j - 1), sqrt(v0[j, j])); add(case, paste0("cr1_", j - 1), sqrt(v1[j, j]))
    }
    add(case, "dispersion", if (kind == "quasi_poisson") summary(fit)$dispersion else 1 / fit$theta)
    g <- length(unique(d$family))
    quantities <- list(treated = function(b) log(average(fit, b, 1)), control = function(b) log(average(fit, b, 0)),
                       difference = function(b) average(fit, b, 1) - average(fit, b, 0),
                       ratio = function(b) log(average(fit, b, 1) / average(fit, b, 0)))
    for (what in names(quantities)) {
      f <- quantities[[what]]; slope <- derive(f, b); se <- sqrt(drop(slope %*% v1 %*% slope))
      add(case, paste0(what, "_estimate"), f(b)); add(case, paste0(what, "_se"), se)
      add(case, paste0(what, "_low"), f(b) - qt(0.975, g - 1) * se)
      add(case, paste0(what, "_p"), 2 * pt(-abs(f(b)) / se, g - 1))
    }
  }
}
cat("# R ", R.version$major, ".", R.version$minor, ", sandwich ", as.character(packageVersion("sandwich")), ", MASS ",
    as.character(packageVersion("MASS")), "\n", sep = "")
out$value <- format(out$value, digits = 15)
write.csv(out, row.names = FALSE, quote = FALSE)
