package app

import (
	"fmt"
	"net/http"

	"github.com/larder-go/larder/cache/session"
	"github.com/larder-go/larder/internal/web"
)

// SessionOptions are those of [Builder.Sessions]: see [session.Options].
type SessionOptions = session.Options

// Sessions gives the requests under a path sessions, as [Builder.Use] puts middleware there: handlers use them by [session.Get], [session.Set], [session.Update] and
// [session.From]. Those that match no route have them too, for what else is around all requests. nil is IdleTimeout, Lifetime and Insecure as APP_SESSION_IDLE_TIMEOUT, APP_SESSION_LIFETIME and
// APP_SESSION_SECURE say, which also holds for what o leaves out. A service has sessions once.
//
// They are in the named cache sessions. Build fails where that keeps nothing, and where no route is under the path; on a backend that only this process has, the log says so at the start.
func (b *Builder) Sessions(path string, o *SessionOptions) *Builder {
	if b.sessions != nil {
		b.problem("sessions %q: there are sessions under %q already; allowed: once", path, b.sessions.path)
		return b
	}
	s := &sessions{path: path}
	if o != nil {
		s.options = *o
	}
	b.sessions = s
	b.integrations = append(b.integrations, integration{name: sessionsCache, what: "sessions", bind: s.bind})
	b.layers = append(b.layers, newLayer(path, true, web.Adapt(func(next http.Handler) http.Handler {
		s.next = next
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) })
	})))
	return b
}

// sessionsCache is the name of the cache that sessions are in.
const sessionsCache = "sessions"

// sessions are those under a path. They are made once the caches are open.
type sessions struct {
	path    string
	options session.Options
	next    http.Handler
	handler http.Handler
}

// bind makes the sessions, over the service's cache.
func (s *sessions) bind(a *App) error {
	fail := func(err error) error { return fmt.Errorf("sessions %q: %w", s.path, err) }
	named, err := a.namedFor(sessionsCache)
	if err != nil {
		return fail(err)
	}
	o, set := s.options, a.settings.Session
	if o.IdleTimeout == 0 {
		o.IdleTimeout = set.IdleTimeout
	}
	if o.Lifetime == 0 {
		o.Lifetime = set.Lifetime
	}
	if o.Logger == nil {
		o.Logger = a.logger
	}
	o.Insecure = o.Insecure || !set.Secure
	if a.sessions, err = session.New(named, &o); err != nil {
		return fail(err)
	}
	s.handler = a.sessions.Handler(s.next)
	return nil
}

// Sessions are the service's, nil where it has none: for tools, and for what ends a user's from outside of a request. In one, [session.Session.Sessions] gives them.
func (a *App) Sessions() *session.Sessions { return a.sessions }
