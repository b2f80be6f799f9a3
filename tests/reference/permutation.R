# Independent implementation in base R of crewe_lib/models/permutation.py and event_study.py, by regression and search
# instead of array arithmetic.
# Run from the repository root: Rscript tests/reference/permutation.R > tests/reference/permutation.csv
d <- read.csv("tests/reference/permutation_input.csv")
n_pre <- 5; alpha <- 0.05; treated <- 0
units <- sort(unique(d$unit)); periods <- sort(unique(d$period))
controls <- setdiff(units, treated)
out <- list()
add <- function(case, name, value) out[[length(out) + 1]] <<- data.frame(case = case, name = name, value = value)

# Difference in differences of each unit against all others: two-way fixed effects regression.
did <- function(data, unit) {
  data$d <- as.numeric(data$unit == unit & data$period >= n_pre)
  unname(coef(lm(y ~ factor(unit) + factor(period) + d, data))["d"])
}
estimates <- sapply(units, function(u) did(d, u))
for (u in units[1:6]) {
  add("placebo", paste0("estimate_", u), estimates[u + 1])
  add("placebo", paste0("p_value_", u), mean(abs(estimates) >= abs(estimates[u + 1]) - 1e-9))
}

# Effects b that the rank test does not reject, by bisection from the estimate outwards.
invert <- function(estimate, residuals, case) {
  p <- function(b) min(1, 2 * (1 + min(sum(residuals >= estimate - b), sum(residuals <= estimate - b))) / (length(residuals) + 1))
  edge <- function(sign) {
    inside <- estimate - median(residuals); outside <- estimate + sign * 1e4
    for (i in 1:200) { mid <- (inside + outside) / 2; if (p(mid) > alpha) inside <- mid else outside <- mid }
    inside
  }
  add(case, "estimate", estimate); add(case, "conf_low", edge(-1)); add(case, "conf_high", edge(1))
  add(case, "p_value", p(0))
}
wide <- tapply(d$y, list(d$unit, d$period), identity)
change <- rowMeans(wide[, (n_pre + 1):length(periods)]) - rowMeans(wide[, 1:n_pre])
residuals <- unname(change[-1] - mean(change[-1]))
invert(estimates[1], residuals, "conley_taber")

# Ferman-Pinto: non-negative least squares by a bounded optimiser.
people <- d$population[match(units, d$unit)] / 1e5
loss <- function(q) sum((residuals^2 - q[1] - q[2] / people[-1])^2)
fit <- optim(c(1, 1), loss, method = "L-BFGS-B", lower = c(0, 0), control = list(factr = 10, maxit = 10000))
add("ferman_pinto", "floor", fit$par[1]); add("ferman_pinto", "slope", fit$par[2] * 1e5)
v <- function(m) fit$par[1] + fit$par[2] / m
invert(estimates[1], residuals * sqrt(v(people[1]) / v(people[-1])), "ferman_pinto")

# Event study: unit and period effects, and the unit's own dummy in every period but the last before the start.
path <- function(data, unit) {
  others <- setdiff(periods, n_pre - 1)
  for (p in others) data[[paste0("e", p)]] <- as.numeric(data$unit == unit & data$period == p)
  terms <- paste0("e", others)
  coef(lm(reformulate(c("factor(unit)", "factor(period)", terms), "y"), data))[terms]
}
own <- path(d, treated)
placebos <- t(sapply(controls, function(u) path(d[d$unit != treated, ], u)))
scale <- sqrt(colMeans(placebos^2))
size <- abs(sweep(placebos, 2, scale, "/"))
rank <- ceiling((1 - alpha) * (length(controls) + 1) - 1e-9)
critical <- sort(apply(size, 1, max))[rank]
for (t in names(own)) {
  add("event_study", paste0("estimate_", t), own[[t]])
  add("event_study", paste0("scale_", t), scale[[t]])
  add("event_study", paste0("low_", t), own[[t]] - sort(size[, t])[rank] * scale[[t]])
}
add("event_study", "sup_critical", critical)
cat("# R ", R.version$major, ".", R.version$minor, ", base\n", sep = "")
write.csv(format(do.call(rbind, out), digits = 15), row.names = FALSE, quote = FALSE)
