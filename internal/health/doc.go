// Package health answers the two questions that an orchestrator asks a process: is it alive, and should it get requests.
//
// It stands on heptiolabs/healthcheck, which keeps the checks and gives the verdict, but a probe never runs a check. Each
// [Check] has a runner of its own that keeps the last result, and what is registered with healthcheck is the reading of
// that result. So probes cost a dependency nothing, however many of them there are, and a check that is slow, hangs or
// panics hurts neither a probe nor another check.
//
// # When readiness turns
//
// A dependency that goes away is noticed within an interval and the check's timeout. After a failure the next run comes
// after a second at the latest, whatever the interval is, so that with a timeout of up to four seconds readiness is back
// within five seconds of the dependency's return. A success that is not confirmed for three intervals and a timeout counts
// as a failure: a runner that got stuck does not report health for ever.
//
// # What a probe shows
//
// Liveness depends on nothing but this process, because a restart repairs no dependency. Readiness says why only where
// [Options].Details asks for it, and then through [Safe], which withholds whatever might hold a password.
package health
