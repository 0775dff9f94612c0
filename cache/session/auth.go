package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
)

// AuthOptions are the options of [Authenticate]. The zero value exempts nothing, not even HEAD and OPTIONS.
type AuthOptions struct {
	// Exempt are paths for which nobody has to have logged in: exactly that path, or where it ends in "/*" all that begin with what is before the '*', which /public is not for
	// "/public/*". A path that a router might take for another never is: one with an empty, "." or ".." segment or a backslash, or with an escape that need not be, such as %2F.
	Exempt []string

	// ExemptMethods are methods with which nobody has to have logged in, whatever the path, such as "OPTIONS" for preflights (CORS). A handler that changes something by such a
	// method does so for everybody.
	ExemptMethods []string

	// Logger gets the errors of load for which a request was answered by 503, and the requests that have no session. nil: [slog.Default].
	Logger *slog.Logger
}

// Auth lets requests through whose session has a user. It may be used by many goroutines at once, and for many handlers.
type Auth[U any] struct {
	load    func(ctx context.Context, user string) (U, error)
	exempt  exempt
	methods []string
	logger  *slog.Logger
}

// Authenticate returns an Auth that loads users by load, which must not be nil, for every request; it may use a cache. user is what [Session.Login] was given. Where there is no such user any more, or they may
// not use the service any more, load returns [ErrNoUser]: the session ends. A nil o is the default options.
func Authenticate[U any](load func(ctx context.Context, user string) (U, error), o *AuthOptions) (*Auth[U], error) {
	if load == nil {
		return nil, errors.New("session: authenticate: load is nil")
	}
	if o == nil {
		o = &AuthOptions{}
	}
	paths, err := exemptOf(o.Exempt)
	if err != nil {
		return nil, fmt.Errorf("session: authenticate: AuthOptions.Exempt: %w", err)
	}
	for _, m := range o.ExemptMethods {
		if m == "" || strings.IndexFunc(m, func(r rune) bool { return (r < 'A' || r > 'Z') && r != '-' }) >= 0 {
			return nil, fmt.Errorf("session: authenticate: AuthOptions.ExemptMethods has %q; allowed: methods such as OPTIONS, in capitals", m)
		}
	}
	return &Auth[U]{load: load, exempt: paths, methods: slices.Clone(o.ExemptMethods), logger: o.Logger}, nil
}

type userContextKey[U any] struct{}

// admitted is whom a request was let through for.
type admitted[U any] struct {
	user    U
	session *Session
}

// UserOf returns the user that the request of ctx was let through for, behind an [Auth] for the same U. It is a use of the session. It is false elsewhere, where the request is
// exempt, and where the response has begun as one that is anybody's.
func UserOf[U any](ctx context.Context) (U, bool) {
	a, ok := ctx.Value(userContextKey[U]{}).(*admitted[U])
	if !ok {
		return *new(U), false
	}
	a.session.mu.Lock()
	defer a.session.mu.Unlock()
	if a.session.use(ctx) != nil {
		return *new(U), false
	}
	return a.user, true
}

// Handler returns next behind the authentication, which belongs behind [Sessions.Handler]; a request that has no session gets a 500. One whose session has no user gets a 401, one whose user
// load does not find too, and the session ends; where the session cannot be read or load fails otherwise it is a 503. All are problems (RFC 9457).
func (a *Auth[U]) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(a.methods, r.Method) || a.exempt.has(r.URL) {
			next.ServeHTTP(w, r)
			return
		}
		ctx := r.Context()
		u, err := a.user(ctx)
		switch {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, userContextKey[U]{}, &admitted[U]{u, From(ctx)})))
		case errors.Is(err, ErrNoUser):
			// RFC 9110 section 15.5.2 wants a challenge. This scheme is nobody's, and so browsers do not ask for a password.
			w.Header().Set("WWW-Authenticate", "Session")
			writeProblem(w, r, http.StatusUnauthorized, "This needs a session that somebody has logged in to.")
		case errors.Is(err, ErrNoMiddleware):
			a.log().ErrorContext(ctx, "a request was answered by 500", "error", err)
			writeProblem(w, r, http.StatusInternalServerError, "")
		default:
			if ctx.Err() == nil {
				a.log().ErrorContext(ctx, "a request was answered by 503, because its user could not be loaded", "error", err)
			}
			writeProblem(w, r, http.StatusServiceUnavailable, "Who makes the request cannot be found out at the moment.")
		}
	})
}

// user returns the user of a request, ErrNoUser where it has none.
func (a *Auth[U]) user(ctx context.Context) (u U, err error) {
	s := From(ctx)
	name, err := s.User(ctx)
	if err != nil {
		return u, err
	}
	if name == "" {
		return u, ErrNoUser
	}
	if u, err = a.load(ctx, name); errors.Is(err, ErrNoUser) {
		if failed := s.Destroy(ctx); failed != nil {
			return u, failed
		}
	}
	return u, err
}

func (a *Auth[U]) log() *slog.Logger {
	if a.logger == nil {
		return slog.Default()
	}
	return a.logger
}
