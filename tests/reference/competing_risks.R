# Reference values for crewe_lib.models.competing_risks, fine_gray and cox (left truncation), from R's survival and cmprsk.
# Run from the repository root: Rscript tests/reference/competing_risks.R > tests/reference/competing_risks.csv
# competing_risks_input.csv: made data; days and entered in whole weeks, so that ties are heavy, exact and entry_exact
# without ties; cause 0 censored, 1 to 3; a third of the rows are under observation only after `entered`.
suppressPackageStartupMessages({library(survival); library(cmprsk)})
made <- read.csv("tests/reference/competing_risks_input.csv")
made$id <- seq_len(nrow(made))
made$state <- factor(made$cause, 0:3, c("censor", "one", "two", "three"))
out <- data.frame()
add <- function(case, measure, term, value) {
  out <<- rbind(out, data.frame(case = case, measure = measure, term = term, value = as.numeric(value)))
}
tight <- coxph.control(eps = 1e-15, toler.chol = 1e-16, iter.max = 100)

curve <- function(case, formula, data) {
  environment(formula) <- environment()
  fit <- survfit(formula, data, id = id, conf.type = "log-log", influence = TRUE)
  stopifnot(fit$states == c("(s0)", "one", "two", "three"))
  leave <- which(rowSums(fit$n.event) + rowSums(as.matrix(fit$n.censor)) > 0 | fit$time == max(fit$time))
  some <- unique(c(leave[seq(1, length(leave), 9)], leave[length(leave)]))
  for (row in some) {
    day <- fit$time[row]
    add(case, "at_risk", day, fit$n.risk[row, 1])
    for (j in 1:4) {
      add(case, paste0("share", j - 1), day, fit$pstate[row, j])
      add(case, paste0("error", j - 1), day, fit$std.err[row, j])
      add(case, paste0("low", j - 1), day, fit$lower[row, j])
      add(case, paste0("high", j - 1), day, fit$upper[row, j])
    }
  }
  for (until in c(182, 400, 730)) {  # areas under the curves, and of their influence, summed here
    inside <- fit$time < until
    widths <- diff(c(fit$time[inside], until))
    for (j in 1:4) {
      start <- if (j == 1) fit$time[1] else 0  # before the first time everybody is in the first state
      add(case, paste0("area", j - 1), until, start + sum(widths * fit$pstate[inside, j]))
      moved <- fit$influence.pstate[, c(FALSE, inside), j] %*% widths  # its first entry is for the start
      add(case, paste0("area_error", j - 1), until, sqrt(sum(moved^2)))
    }
  }
}
curve("start", Surv(days, state) ~ 1, made)
curve("late", Surv(entered, days, state) ~ 1, made)

cox <- function(case, formula, data) {
  model <- coxph(formula, data, ties = "efron", control = tight)
  terms <- seq_along(coef(model)) - 1
  add(case, "coefficient", terms, coef(model))
  add(case, "model", terms, sqrt(diag(vcov(model))))
  add(case, "log_likelihood", 0, model$loglik[2])
  add(case, "robust", terms, sqrt(diag(vcov(coxph(formula, data, ties = "efron", control = tight, cluster = id)))))
  family <- coxph(formula, data, ties = "efron", control = tight, cluster = family)
  add(case, "clustered", terms, sqrt(diag(vcov(family))))
}
cox("cox", Surv(entered, days, cause == 1) ~ treated + age, made)
cox("cox_exact", Surv(entry_exact, exact, cause == 2) ~ treated + age, made)

fine <- function(case, formula, etype) {
  rows <- finegray(formula, made, etype = etype, id = id)
  model <- Surv(fgstart, fgstop, fgstatus) ~ treated + age
  own <- coxph(model, rows, weights = fgwt, ties = "efron", control = tight, cluster = id)
  family <- coxph(model, rows, weights = fgwt, ties = "efron", control = tight, cluster = family)
  terms <- seq_along(coef(own)) - 1
  add(case, "coefficient", terms, coef(own))
  add(case, "log_likelihood", 0, own$loglik[2])
  add(case, "robust", terms, sqrt(diag(vcov(own))))
  add(case, "clustered", terms, sqrt(diag(vcov(family))))
}
fine("fine_start", Surv(days, state) ~ treated + age + family + id, "one")
fine("fine_start_two", Surv(days, state) ~ treated + age + family + id, "two")
fine("fine_late", Surv(entered, days, state) ~ treated + age + family + id, "one")
fine("fine_late_two", Surv(entered, days, state) ~ treated + age + family + id, "two")
fine("fine_exact", Surv(exact, state) ~ treated + age + family + id, "one")
fine("fine_exact_late", Surv(entry_exact, exact, state) ~ treated + age + family + id, "one")

gray <- crr(made$exact, made$cause, made[, c("treated", "age")], failcode = 1, gtol = 1e-12, maxiter = 50)
add("crr", "coefficient", 0:1, gray$coef)
add("crr", "error", 0:1, sqrt(diag(gray$var)))
found <- timepoints(cuminc(made$days, made$cause), c(182, 400, 730))
for (j in 1:3) {
  add("cuminc", paste0("share", j), c(182, 400, 730), found$est[j, ])
  add("cuminc", paste0("error", j), c(182, 400, 730), sqrt(found$var[j, ]))
}

cat("# R ", R.version$major, ".", R.version$minor, ", survival ", as.character(packageVersion("survival")), ", cmprsk ", as.character(packageVersion("cmprsk")), "\n", sep = "")
write.csv(transform(out, value = format(value, digits = 15)), row.names = FALSE, quote = FALSE)
