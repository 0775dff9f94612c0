// Package app builds a service from its settings and runs it: logger, cache, health, metrics, HTTP, and the order in which
// they start and stop.
//
// A program says what it is made of in a chain that reads like a deployment checklist:
//
//	func main() { os.Exit(app.Main(server)) }
//
//	func server(s settings.Settings) *app.Builder {
//		return app.New(s).
//			Cache().
//			Routes(routes)
//	}
//
// [Main] is the whole life of the process: it reads the environment, builds, turns signals into a stop, and reports what went
// wrong. [App] is the same without a process around it, for tests (package apptest) and for programs with a main of their own.
//
// # Order
//
// Start: the stores of the caches, the hooks in the order of the chain, the health checks, the listener. Stop is the reverse, after
// readiness has said 503 for APP_DRAIN_DELAY while requests were still served. A part that fails to stop is named in the
// error and does not keep the others from stopping.
//
// # The context of a request
//
// Every request's context carries the cache and the named ones, and ends with the request, with APP_REQUEST_TIMEOUT, or, on a stop, when
// APP_SHUTDOWN_TIMEOUT has passed after the drain delay; a signal alone ends no request. Under a path with [Builder.Sessions] it carries the visitor's session too.
package app
