# Reference values for crewe_lib.models.logistic: glm, sandwich, and standardised risks with the delta method by hand.
# Run from the repository root: Rscript tests/reference/logistic.R > tests/reference/logistic.csv
# It also writes logistic_input.csv: a made trial of 60 families with one to four children each.
suppressPackageStartupMessages(library(sandwich))
set.seed(20)
size <- sample(1:4, 60, TRUE); family <- rep(1:60, size); n <- length(family)
d <- data.frame(family = family, treated = rep(rbinom(60, 1, 2 / 3), size), female = rbinom(n, 1, 0.5),
                age = sample(0:17, n, TRUE), history = rep(rbinom(60, 1, 0.4), size))
common <- rep(rnorm(60), size)
d$closed <- rbinom(n, 1, plogis(0.3 + 0.5 * d$treated - 0.06 * d$age + 0.4 * d$history + common))
write.csv(d, "tests/reference/logistic_input.csv", row.names = FALSE, quote = FALSE)
fit <- glm(closed ~ treated + female + age + history, binomial, d, control = list(epsilon = 1e-14, maxit = 100))
covariances <- list(model = vcov(fit), HC0 = sandwich(fit),
                    CR0 = vcovCL(fit, ~family, type = "HC0", cadjust = FALSE),
                    CR1 = vcovCL(fit, ~family, type = "HC1"), HC1 = vcovHC(fit, type = "HC1"))
# sandwich gives no degrees of freedom; ours are those of the clusters (or rows, for HC1) less the coefficients.
dfs <- c(model = Inf, HC0 = Inf, CR0 = Inf, CR1 = 60 - 5, HC1 = n - 5)
out <- data.frame()
add <- function(covariance, quantity, value)
  out <<- rbind(out, data.frame(covariance = covariance, quantity = quantity, value = format(value, digits = 15)))
for (name in names(covariances)) {
  V <- covariances[[name]]
  for (j in 1:5) { add(name, paste0("coefficient ", j - 1), coef(fit)[j]); add(name, paste0("std_error ", j - 1), sqrt(V[j, j])) }
  # Risks as functions of the coefficients; slopes by central differences with Richardson's extrapolation, not by
  # the formula that is under test.
  risks <- function(b) sapply(1:0, function(t) {
    x <- model.matrix(fit); x[, "treated"] <- t; mean(plogis(x %*% b))
  })
  contrasts <- list(difference = function(b) diff(rev(risks(b))),
                    ratio = function(b) log(risks(b)[1] / risks(b)[2]),
                    odds_ratio = function(b) diff(rev(qlogis(risks(b)))))
  for (measure in names(contrasts)) {
    f <- contrasts[[measure]]; b <- coef(fit)
    slope <- sapply(1:5, function(j) {
      step <- function(h) { e <- replace(numeric(5), j, h); (f(b + e) - f(b - e)) / (2 * h) }
      (4 * step(5e-4) - step(1e-3)) / 3
    })
    error <- sqrt(drop(slope %*% V %*% slope)); value <- f(b); ends <- value + c(-1, 1) * qt(0.975, dfs[[name]]) * error
    back <- if (measure == "difference") identity else exp
    add(name, paste(measure, "estimate"), back(value)); add(name, paste(measure, "std_error"), error)
    add(name, paste(measure, "conf_low"), back(ends[1])); add(name, paste(measure, "conf_high"), back(ends[2]))
    add(name, paste(measure, "p_value"), 2 * pt(-abs(value / error), dfs[[name]]))
  }
}
cat("# R ", R.version$major, ".", R.version$minor, ", sandwich ", as.character(packageVersion("sandwich")), "\n", sep = "")
write.csv(out, row.names = FALSE, quote = FALSE)
