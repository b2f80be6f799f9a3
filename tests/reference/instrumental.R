# Two-stage least squares with robust errors: AER::ivreg and sandwich. Run: Rscript instrumental.R
suppressMessages({library(AER); library(sandwich)})
set.seed(6)
n <- 128
z <- rep(c(1, 0), c(84, 44)); a <- rbinom(n, 1, 0.5); b <- rnorm(n)
d <- ifelse(z == 1, rbinom(n, 1, 0.97), rbinom(n, 1, 0.12))
y <- rbinom(n, 1, plogis(0.4 + 0.5 * d + 0.4 * a - 0.3 * b))
data <- data.frame(y, d, z, a, b)
write.csv(data, "instrumental_input.csv", row.names = FALSE)
rows <- list()
add <- function(case, fit) {
  for (type in c("HC0", "HC1")) rows[[length(rows) + 1]] <<- data.frame(case = case, covariance = type,
    estimate = coef(fit)["d"], std_error = sqrt(vcovHC(fit, type = type)["d", "d"]))
}
add("plain", ivreg(y ~ d | z, data = data)); add("covariates", ivreg(y ~ d + a + b | z + a + b, data = data))
con <- file("instrumental.csv", "w")
writeLines(paste0("# R ", getRversion(), ", AER ", packageVersion("AER"), ", sandwich ", packageVersion("sandwich")), con)
out <- do.call(rbind, rows); out$estimate <- format(out$estimate, digits = 15); out$std_error <- format(out$std_error, digits = 15)
write.csv(out, con, row.names = FALSE, quote = FALSE); close(con)
