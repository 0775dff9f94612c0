// Package telemetry is what a service tells about itself: logs through log/slog and metrics for Prometheus.
//
// The metrics live in a registry of their own and never in Prometheus's global one, so that no dependency can add to them
// and two applications in one process (or one test) do not collide. A second registration of the same thing is an error, never
// a panic.
//
// Every label has a bounded set of values. What a client chooses (a path, a method) never becomes a label as it is: unknown
// values are counted under "other", and the number of routes has a limit.
package telemetry
