package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
)

// careless are requests that a handler answers with its own text, whatever errors it gets.
func careless() pages {
	say := func(f func(r *http.Request) error) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, r *http.Request) error {
			_ = f(r)
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			w.Header().Set("Etag", `"1"`)
			w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
			w.Header().Set("Content-Length", "7")
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "welcome")
			return nil
		}
	}
	return pages{
		"/c/show": say(func(r *http.Request) error { _, err := session.Get[cart](r.Context()); return err }),
		"/c/user": say(func(r *http.Request) error { _, err := session.From(r.Context()).User(r.Context()); return err }),
		"/c/set":  say(func(r *http.Request) error { return session.Set(r.Context(), cart{[]string{"c"}}) }),
		"/c/add": say(func(r *http.Request) error {
			return session.Update(r.Context(), func(c *cart) error { c.Items = append(c.Items, "c"); return nil })
		}),
		"/c/save": say(func(r *http.Request) error {
			return errors.Join(session.Set(r.Context(), cart{[]string{"c"}}), session.From(r.Context()).Save(r.Context()))
		}),
		"/c/login":  say(func(r *http.Request) error { return session.From(r.Context()).Login(r.Context(), "alice") }),
		"/c/bob":    say(func(r *http.Request) error { return session.From(r.Context()).Login(r.Context(), "bob") }),
		"/c/renew":  say(func(r *http.Request) error { return session.From(r.Context()).Renew(r.Context()) }),
		"/c/logout": say(func(r *http.Request) error { return session.From(r.Context()).Destroy(r.Context()) }),
		"/c/other":  say(func(r *http.Request) error { return session.Set(r.Context(), 7) }),
	}
}

var errDown = fmt.Errorf("%w: the plug was pulled", cache.ErrUnavailable)

// TestAStoreThatFailsIsA503AndNeverNobody makes every operation of every request fail, one at a time and all from it on.
func TestAStoreThatFailsIsA503AndNeverNobody(t *testing.T) {
	for url := range careless() {
		for _, forGood := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, for good %v", url, forGood), func(t *testing.T) {
				var harmless []string // operations: what is gone may stay listed
				for at, failed := 0, true; failed; at++ {
					synctest.Test(t, func(t *testing.T) {
						var log bytes.Buffer
						s := serve(t, &session.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, careless())
						b := s.browser()
						b.get("/login?user=alice")
						b.get("/add?item=a")
						<-time.After(5 * time.Minute)
						id, op := b.id(), ""
						failed = false
						var a answer
						s.spy.during(func(n int, o, key string) error {
							if n == at || forGood && n > at {
								if n == at {
									op = o + " " + key[:2]
								}
								failed = true
								return errDown
							}
							return nil
						}, func() { a = b.get(url) })
						if !failed {
							if a.StatusCode != http.StatusAccepted || a.body != "welcome" {
								t.Errorf("without a failure it is %s, %q", a.Status, a.body)
							}
							return
						}
						if a.StatusCode == http.StatusAccepted {
							harmless = append(harmless, op)
							b.cookies[cookieName] = id
							b.want(":")
							return
						}
						wantProblem(t, a, url+" without "+op)
						if b.id() != id {
							t.Errorf("without %s the cookie was changed", op)
						}
						if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "the plug was pulled") || strings.Contains(got, id) {
							t.Errorf("without %s the log has %q, want one line with the cause and without the id", op, got)
						}
					})
				}
				want := map[string]string{"/c/logout": "get u. compare and delete u.", "/c/bob": "get u. compare and delete u.", "/c/other": "get u. compare and delete u."}[url]
				if url == "/c/other" && forGood {
					want = ""
				}
				if got := strings.Join(harmless, " "); got != want {
					t.Errorf("the request is answered though this fails: %s; want: %s", got, want)
				}
			})
		}
	}
}

func wantProblem(t *testing.T, a answer, what string) {
	t.Helper()
	h := a.Header
	if a.StatusCode != http.StatusServiceUnavailable || h.Get("Content-Type") != "application/problem+json" || !strings.Contains(a.body, `"status":503`) || strings.Contains(a.body, "welcome") {
		t.Errorf("%s: %s with %q, want a problem 503", what, a.Status, a.body)
	}
	if h.Get("Etag") != "" || h.Get("Last-Modified") != "" || h.Get("Content-Length") != fmt.Sprint(len(a.body)) || h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Cookie" || h.Get("Content-Security-Policy") == "" {
		t.Errorf("%s: the problem has %v", what, h)
	}
	if len(a.cookies()) > 0 {
		t.Errorf("%s: the problem sets %q", what, a.cookies())
	}
}

func TestAHEADRequestGetsTheProblemsHeader(t *testing.T) {
	s := serve(t, nil, careless())
	b := s.browser()
	b.get("/add?item=a")
	s.spy.during(func(int, string, string) error { return errDown }, func() {
		if a := s.send(b.request(http.MethodHead, "/c/show")); a.StatusCode != http.StatusServiceUnavailable || a.body != "" || a.Header.Get("Content-Length") == "0" {
			t.Errorf("%s, %q", a.Status, a.body)
		}
	})
}

func TestTheErrorOfTheStoreComesToTheHandler(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/add?item=a")
	s.spy.during(func(int, string, string) error { return errDown }, func() {
		a := b.within(func(ctx context.Context) error {
			_, get := session.Get[cart](ctx)
			_, again := session.Get[cart](ctx)
			_, user := session.From(ctx).User(ctx)
			for _, err := range []error{get, again, user, session.Set(ctx, cart{}), session.From(ctx).Destroy(ctx), session.From(ctx).Save(ctx)} {
				if !errors.Is(err, cache.ErrUnavailable) {
					t.Errorf("the error is %v, want the store's", err)
				}
			}
			return nil
		})
		if a.StatusCode != http.StatusServiceUnavailable {
			t.Error(a.Status)
		}
	})
}

func TestAStoreThatHangsIsA503WhenTheRequestsTimeIsOver(t *testing.T) {
	for url, hangs := range map[string]string{"/c/show": "get", "/c/add": "swap"} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, careless())
			b := s.browser()
			b.get("/add?item=a")
			s.spy.before = func(ctx context.Context, op, _ string) error {
				if op == hangs {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			began := time.Now()
			a := s.send(b.request(http.MethodGet, url).WithContext(ctx))
			wantProblem(t, a, url)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s took %v", url, took)
			}
		})
	}
}

func TestACallerThatDoesNotWaitHasNotReadTheSession(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/add?item=a")
	a := b.within(func(ctx context.Context) error {
		own, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := session.Get[cart](own); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v, want that of the context", err)
		}
		c, err := session.Get[cart](ctx)
		if len(c.Items) != 1 {
			t.Errorf("the request reads %q", c.Items)
		}
		return err
	})
	if a.StatusCode != http.StatusOK {
		t.Error(a.Status)
	}
}

func TestAClientThatHasGoneIsNoTroubleOfTheStore(t *testing.T) {
	var log bytes.Buffer
	s := serve(t, &session.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, careless())
	b := s.browser()
	b.get("/add?item=a")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if a := s.send(b.request(http.MethodGet, "/c/show").WithContext(ctx)); a.StatusCode != http.StatusServiceUnavailable || log.Len() > 0 {
		t.Errorf("%s, and the log has %q", a.Status, log.String())
	}
}

func TestAHandlerThatStreamsToARefusedClientGetsAnError(t *testing.T) {
	var errs []error
	s := serve(t, nil, pages{"/": func(w http.ResponseWriter, r *http.Request) error {
		_, _ = session.Get[cart](r.Context())
		_, write := io.WriteString(w, "welcome")
		_, copied := io.Copy(w, io.LimitReader(strings.NewReader("welcome"), 7))
		_, _, hijack := http.NewResponseController(w).Hijack()
		if write != nil || copied != nil {
			t.Errorf("what is written gives %v and %v, want it to be taken", write, copied)
		}
		errs = []error{hijack, http.NewResponseController(w).Flush()}
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		return nil
	}})
	b := s.browser()
	b.get("/add?item=a")
	s.spy.during(func(int, string, string) error { return errDown }, func() {
		if a := b.get("/"); a.StatusCode != http.StatusServiceUnavailable || strings.Contains(a.body, "welcome") {
			t.Errorf("%s, %q", a.Status, a.body)
		}
	})
	if len(errs) != 2 || slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, cache.ErrUnavailable) }) {
		t.Errorf("the errors of the writer are %v, want the store's", errs)
	}
}

func TestWhatIsNoSessionOfThisVersionIsNone(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/login?user=alice")
	b.get("/add?item=a")
	key := "s." + hashed(b.id())
	good, _, err := s.cache.Get(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	with := func(at int, c byte) []byte {
		bad := bytes.Clone(good)
		bad[at] = c
		return bad
	}
	for name, bad := range map[string][]byte{
		"empty": {}, "text": []byte("hello"), "cut": good[:20], "cut in the user": good[:40], "another version": with(4, 2), "another magic": with(0, 'x'),
		"another kind": with(5, 'x'), "a user that is too long": with(38, 127), "created before 1970": with(6, 0x80), "of yesterday": with(14, 0),
		"a frame": append([]byte("\xfeldr"), good...), "JSON": []byte(`{"user":"alice"}`),
	} {
		if err := s.cache.Set(context.Background(), key, bad, time.Hour); err != nil {
			t.Fatal(err)
		}
		c := b.clone()
		c.want(":")
		if c.get("/add?item=b"); c.id() == b.id() {
			t.Errorf("%s: the id was taken over", name)
		}
		c.want(":b")
	}
	if err := s.cache.Set(context.Background(), key, good, time.Hour); err != nil {
		t.Fatal(err)
	}
	b.want("alice:a")
}

func TestGarbageInTheIndexListsNothing(t *testing.T) {
	for _, garbage := range []string{"", "hello", "lusr\x01x", "lusr\x02", strings.Repeat("\xff", 54)} {
		s := serve(t, nil, nil)
		s.browser().get("/login?user=alice")
		for _, key := range s.keys() {
			if strings.HasPrefix(key, "u.") {
				if err := s.cache.Set(context.Background(), key, []byte(garbage), time.Hour); err != nil {
					t.Fatal(err)
				}
			}
		}
		b := s.browser()
		b.get("/login?user=alice")
		b.want("alice:")
		b.get("/renew")
		b.want("alice:")
		if err := s.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
			t.Error(err)
		}
		b.want(":")
	}
}

// TestALogoutThatFailedIsMadeUpFor is about a store that comes back: the cache remembers what it could not delete.
func TestALogoutThatFailedSaysSo(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/login?user=alice")
	s.spy.during(func(_ int, op, _ string) error {
		if op == "compare and delete" {
			return errDown
		}
		return nil
	}, func() {
		b.within(func(ctx context.Context) error {
			if err := session.From(ctx).Destroy(ctx); !errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("the error is %v", err)
			}
			return nil
		})
	})
	b.want(":") // it was deleted the other way, which a store remembers where it fails
	s.wantUsers()
}
