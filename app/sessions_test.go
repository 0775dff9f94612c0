package app_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache/session"
	"github.com/larder-go/larder/internal/servertest"
)

// accounts is a service in which anybody logs in as anybody: /login/:user, /logout, /logout/everywhere and /who.
func accounts(e *echo.Echo) error {
	e.POST("/login/:user", func(c echo.Context) error {
		ctx := c.Request().Context()
		user, err := url.PathUnescape(c.Param("user"))
		if err != nil {
			return err
		}
		return session.From(ctx).Login(ctx, user)
	})
	e.POST("/logout", func(c echo.Context) error {
		ctx := c.Request().Context()
		return session.From(ctx).Destroy(ctx)
	})
	e.POST("/logout/everywhere", func(c echo.Context) error {
		ctx := c.Request().Context()
		user, err := session.From(ctx).User(ctx)
		if err != nil {
			return err
		}
		return session.From(ctx).Sessions().LogOutEverywhere(ctx, user)
	})
	e.GET("/who", func(c echo.Context) error {
		user, err := session.From(c.Request().Context()).User(c.Request().Context())
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, user)
	})
	return nil
}

// browser keeps cookies.
type browser struct {
	t   *testing.T
	a   *apptest.App
	has map[string]*http.Cookie
}

func (b *browser) do(method, path string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, http.NoBody)
	for _, c := range b.has {
		r.AddCookie(c)
	}
	w := b.a.Do(r)
	for _, c := range w.Result().Cookies() {
		if b.has == nil {
			b.has = make(map[string]*http.Cookie)
		}
		if b.has[c.Name] = c; c.MaxAge < 0 {
			delete(b.has, c.Name)
		}
	}
	return w
}

func TestHandlersHaveSessions(t *testing.T) {
	a := apptest.New(t, app.New(load(t)).Sessions("/", nil).Routes(accounts).Cache())
	alice, other, bob := browser{t: t, a: a}, browser{t: t, a: a}, browser{t: t, a: a}
	alice.do("POST", "/login/alice")
	other.do("POST", "/login/alice")
	bob.do("POST", "/login/bob")
	for who, b := range map[string]*browser{"alice": &alice, "bob": &bob} {
		if w := b.do("GET", "/who"); w.Body.String() != who || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s is %q to the service: %v", who, w.Body, w.Header())
		}
	}
	alice.do("POST", "/logout/everywhere")
	for _, b := range []*browser{&alice, &other} {
		if w := b.do("GET", "/who"); w.Body.String() != "" {
			t.Errorf("after a logout everywhere there is %q", w.Body)
		}
	}
	if w := bob.do("GET", "/who"); w.Body.String() != "bob" {
		t.Errorf("bob is %q", w.Body)
	}
	if len(alice.has) != 0 {
		t.Errorf("alice still has %v", alice.has)
	}
}

func TestSessionsAreAsTheSettingsSay(t *testing.T) {
	a := apptest.New(t, app.New(load(t, "APP_SESSION_SECURE=false", "APP_SESSION_LIFETIME=2h")).Sessions("/", nil).Routes(accounts).Cache())
	w := a.JSON("POST", "/login/alice", "")
	if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, "session=") || !strings.HasSuffix(got, "; Path=/; Max-Age=7200; HttpOnly; SameSite=Lax") {
		t.Errorf("the cookie is %q", got)
	}
	a = apptest.New(t, app.New(load(t)).Sessions("/", &session.Options{Lifetime: time.Hour, Name: "who"}).Routes(accounts).Cache())
	w = a.JSON("POST", "/login/alice", "")
	if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-who=") || !strings.HasSuffix(got, "; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("the cookie is %q", got)
	}
}

func TestSessionsThatCannotBeAreErrorsOfBuild(t *testing.T) {
	for name, c := range map[string]struct {
		env   []string
		build func(*app.Builder) *app.Builder
		want  string
	}{
		"no route is under the path": {nil, func(b *app.Builder) *app.Builder { return b.Sessions("/nothing", nil).Cache() }, `"/nothing/": no route is under the path`},
		"there is no cache": {nil, func(b *app.Builder) *app.Builder { return b.Sessions("/", nil) },
			`sessions "/": it needs the cache "sessions", and the service has none; allowed: with Builder.Cache`},
		"the cache keeps nothing": {[]string{"APP_CACHE_BACKEND=none"}, func(b *app.Builder) *app.Builder { return b.Sessions("/", nil).Cache() },
			`sessions "/": it needs the cache "sessions", and APP_CACHE_BACKEND=none keeps nothing; allowed: another backend, or one for it alone, as in APP_STORES=sessions=memory`},
		"their own cache keeps nothing": {[]string{"APP_STORES=sessions=none"}, func(b *app.Builder) *app.Builder { return b.Sessions("/", nil).Cache() },
			`sessions "/": it needs the cache "sessions", and APP_STORES=sessions=none keeps nothing`},
		"there are some already": {nil, func(b *app.Builder) *app.Builder { return b.Sessions("/", nil).Sessions("/api", nil).Cache() },
			`sessions "/api": there are sessions under "/" already; allowed: once`},
		"the options make no sense": {nil, func(b *app.Builder) *app.Builder { return b.Sessions("/", &session.Options{MaxBytes: -1}).Cache() },
			`sessions "/": session: new: Options.MaxBytes is -1; allowed: 0 for 65536, or 1 to `},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.build(app.New(load(t, c.env...)).Routes(accounts).Routes(hello)).Build(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestALimiterInsideOfTheSessionsCountsUsers(t *testing.T) {
	env := []string{"APP_RATE_LIMIT_REQUESTS=2", "APP_RATE_LIMIT_PERIOD=1h"}
	a := apptest.New(t, app.New(load(t, env...)).Sessions("/", nil).RateLimit("/who", nil).Routes(accounts).Cache())
	alice, bob, nobody := browser{t: t, a: a}, browser{t: t, a: a}, browser{t: t, a: a}
	alice.do("POST", "/login/alice")
	bob.do("POST", "/login/bob")
	for who, b := range map[string]*browser{"alice": &alice, "bob": &bob, "nobody": &nobody} {
		got := ""
		for range 3 {
			got += fmt.Sprint(b.do("GET", "/who").Code, " ")
		}
		if got != "200 200 429 " {
			t.Errorf("%s, at the same address as the others: %s", who, got)
		}
	}
}

func TestALimiterInsideOfTheSessionsMakesNoPagePrivate(t *testing.T) {
	a := apptest.New(t, app.New(load(t)).Sessions("/", nil).RateLimit("/", nil).Routes(accounts).Routes(hello).Cache())
	alice := browser{t: t, a: a}
	alice.do("POST", "/login/alice")
	for who, b := range map[string]*browser{"alice": &alice, "nobody": {t: t, a: a}} {
		if h := b.do("GET", "/hello").Header(); h.Get("Cache-Control") != "" || h.Get("Vary") != "" || h.Get("Ratelimit") == "" {
			t.Errorf("%s gets %v", who, h)
		}
	}
}

func TestAPageWithWhatASessionHasIsNotCachedForOthers(t *testing.T) {
	visits := 0
	a := apptest.New(t, app.New(load(t)).Sessions("/", nil).Use("/", app.CacheResponses(app.ResponseRule{TTL: time.Hour})).Cache().
		Routes(func(e *echo.Echo) error {
			e.GET("/form", func(c echo.Context) error { // a token against forged requests: the first thing that many a session has
				visits++
				token := fmt.Sprint("token ", visits)
				if err := session.Set(c.Request().Context(), token); err != nil {
					return err
				}
				return c.String(http.StatusOK, token)
			})
			e.GET("/page", func(c echo.Context) error {
				visits++
				return c.String(http.StatusOK, "page")
			})
			return nil
		}))
	first, second := browser{t: t, a: a}, browser{t: t, a: a}
	one, two := first.do("GET", "/form"), second.do("GET", "/form")
	if one.Body.String() == two.Body.String() || len(first.has) != 1 || len(second.has) != 1 {
		t.Errorf("two visitors have %q and %q, with the cookies %v and %v", one.Body, two.Body, first.has, second.has)
	}
	for _, w := range []*httptest.ResponseRecorder{one, two} {
		if got := w.Header(); got.Get("Cache-Control") != "no-store" || strings.Contains(got.Get("Cache-Status"), "stored") || len(got["Set-Cookie"]) != 1 {
			t.Errorf("the header is %v", got)
		}
	}
	if w := (&browser{t: t, a: a}).do("GET", "/page"); !strings.Contains(w.Header().Get("Cache-Status"), "stored") || w.Header().Get("Cache-Control") != "" {
		t.Errorf("a page that does not use the session: %v", w.Header())
	}
}

func TestAuthenticationIsMiddlewareOfEcho(t *testing.T) {
	type account struct{ Name string }
	auth, err := session.Authenticate(func(_ context.Context, user string) (account, error) {
		if user == "gone" {
			return account{}, session.ErrNoUser
		}
		return account{user}, nil
	}, &session.AuthOptions{Exempt: []string{"/account/help"}})
	if err != nil {
		t.Fatal(err)
	}
	a := apptest.New(t, app.New(load(t)).Sessions("/", nil).Use("/account", app.Middleware(auth.Handler)).Routes(accounts).Cache().Routes(func(e *echo.Echo) error {
		answer := func(c echo.Context) error {
			of, known := session.UserOf[account](c.Request().Context())
			return c.String(http.StatusOK, fmt.Sprint(of.Name, " ", known))
		}
		e.GET("/account", answer)
		e.GET("/account/help", answer)
		return nil
	}))
	alice, gone, nobody := browser{t: t, a: a}, browser{t: t, a: a}, browser{t: t, a: a}
	alice.do("POST", "/login/alice")
	gone.do("POST", "/login/gone")
	for _, c := range []struct {
		who  *browser
		path string
		want string
	}{
		{&alice, "/account", "200 alice true"},
		{&nobody, "/account", "401 "},
		{&gone, "/account", "401 "},
		{&nobody, "/account/help", "200  false"},
	} {
		w := c.who.do("GET", c.path)
		if got := fmt.Sprint(w.Code, " ", w.Body); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
	}
	if len(gone.has) != 0 {
		t.Errorf("the session of a user that there is no more is still there: %v", gone.has)
	}
}

// untilReady is a log, and what happens when it says that the service is ready.
type untilReady struct {
	bytes.Buffer
	ready func()
}

func (u *untilReady) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("msg=ready")) {
		u.ready()
	}
	return u.Buffer.Write(line)
}

func TestWhatOnlyThisProcessHasIsAWarningOfTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		env   []string
		build func(*app.Builder) *app.Builder
		want  []string
	}{
		"neither sessions nor limits": {nil, func(b *app.Builder) *app.Builder { return b }, nil},
		"sessions": {nil, func(b *app.Builder) *app.Builder { return b.Sessions("/", nil) },
			[]string{"sessions are in the memory of this process: others do not see them, and a restart loses them; with several processes, set APP_STORES=sessions=redis"}},
		"two limiters": {nil, func(b *app.Builder) *app.Builder {
			return b.RateLimit("/", nil).RateLimit("/who", &app.RateLimitOptions{Name: "who"})
		},
			[]string{"rate limits are in the memory of this process: others do not see them, and a restart loses them; with several processes, set APP_STORES=rate_limit=redis"}},
		"both": {nil, func(b *app.Builder) *app.Builder { return b.Sessions("/", nil).RateLimit("/", nil) },
			[]string{"sessions and rate limits are in the memory of this process: others do not see them, and a restart loses them; with several processes, set APP_STORES=sessions=redis,rate_limit=redis"}},
		"both, on disk": {[]string{"APP_CACHE_BACKEND=file"}, func(b *app.Builder) *app.Builder { return b.Sessions("/", nil).RateLimit("/", nil) }, nil},
		"one of them": {[]string{"APP_CACHE_BACKEND=file", "APP_STORES=sessions=memory"}, func(b *app.Builder) *app.Builder { return b.Sessions("/", nil).RateLimit("/", nil) },
			[]string{"sessions are in the memory of this process: others do not see them, and a restart loses them; with several processes, set APP_STORES=sessions=redis"}},
		"cookies over plain http": {[]string{"APP_CACHE_BACKEND=file", "APP_SESSION_SECURE=false"}, func(b *app.Builder) *app.Builder { return b.Sessions("/", nil) },
			[]string{"APP_SESSION_SECURE=false: cookies of sessions go over plain http, where others can read and set them; that is for development"}},
		"cookies, without sessions": {[]string{"APP_SESSION_SECURE=false"}, func(b *app.Builder) *app.Builder { return b }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			log := untilReady{ready: stop}
			env := append([]string{"APP_PORT=" + servertest.FreePort(t), "APP_CACHE_FILE_PATH=" + t.TempDir()}, c.env...)
			a, err := c.build(app.New(load(t, env...)).Routes(accounts).Cache()).Logger(slog.New(slog.NewTextHandler(&log, nil))).Build(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Run(ctx); err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(log.String(), "level=WARN"); got != len(c.want) {
				t.Errorf("%d warnings, want %d:\n%s", got, len(c.want), log.String())
			}
			for _, want := range c.want {
				if !strings.Contains(log.String(), `msg="`+want+`"`) {
					t.Errorf("there is no warning %q:\n%s", want, log.String())
				}
			}
		})
	}
}
