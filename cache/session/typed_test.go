package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
)

// within runs f in a request of b and returns the answer.
func (b *browser) within(f func(ctx context.Context) error) answer {
	b.s.t.Helper()
	s := *b.s
	s.handler = s.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := f(r.Context()); err != nil {
			s.t.Error(err)
		}
	}))
	a := s.send(b.request(http.MethodGet, "/"))
	b.keep(a)
	return a
}

func TestWhatIsGotIsTheCallersOwn(t *testing.T) {
	b := serve(t, nil, nil).browser()
	b.get("/add?item=apple")
	b.within(func(ctx context.Context) error {
		c, err := session.Get[cart](ctx)
		c.Items[0] = "worm"
		return err
	})
	b.within(func(ctx context.Context) error {
		c := cart{[]string{"pear"}}
		err := session.Set(ctx, c)
		c.Items[0] = "worm"
		return err
	})
	b.want(":pear")
}

func TestARequestSeesItsOwnChanges(t *testing.T) {
	b := serve(t, nil, nil).browser()
	b.within(func(ctx context.Context) error {
		if err := session.Set(ctx, cart{[]string{"apple"}}); err != nil {
			return err
		}
		err := session.Update(ctx, func(c *cart) error { c.Items = append(c.Items, "pear"); return nil })
		c, got := session.Get[cart](ctx)
		if strings.Join(c.Items, ",") != "apple,pear" {
			t.Errorf("the request sees %q", c.Items)
		}
		return errors.Join(err, got)
	})
	b.want(":apple,pear")
}

func TestAnErrorOfUpdateChangesNothing(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	full := errors.New("the cart is full")
	for range 2 { // without a session, and with one
		before := s.users()
		b.within(func(ctx context.Context) error {
			err := session.Update(ctx, func(c *cart) error { c.Items = append(c.Items, "worm"); return full })
			if !errors.Is(err, full) {
				t.Errorf("the error is %v, want that of the function", err)
			}
			return nil
		})
		s.wantUsers(before...)
		b.get("/set?item=apple")
	}
	b.want(":apple")
}

func TestDataThatAreTooLongAreRefusedAndChangeNothing(t *testing.T) {
	s := serve(t, &session.Options{MaxBytes: len(`{"items":["apple"]}`)}, nil)
	b := s.browser()
	b.get("/set?item=apple")
	b.within(func(ctx context.Context) error {
		for _, err := range []error{
			session.Set(ctx, cart{[]string{"apples"}}),
			session.Update(ctx, func(c *cart) error { c.Items = append(c.Items, ""); return nil }),
		} {
			if !errors.Is(err, cache.ErrTooLarge) || !strings.Contains(err.Error(), "bytes; Options.MaxBytes allows 19") {
				t.Errorf("the error is %v, want cache.ErrTooLarge and the limit", err)
			}
		}
		return nil
	})
	b.want(":apple")
}

func TestWhatJSONCannotExpressIsRefusedAndChangesNothing(t *testing.T) {
	s := serve(t, nil, nil)
	s.browser().within(func(ctx context.Context) error {
		if err := session.Set(ctx, func() {}); err == nil {
			t.Error("Set of a function is no error")
		}
		if err := session.Update(ctx, func(v *any) error { *v = make(chan int); return nil }); err == nil {
			t.Error("Update to a channel is no error")
		}
		return nil
	})
	s.wantUsers()
}

func TestDataOfAnotherTypeAreThoseOfNoSession(t *testing.T) {
	for name, write := range map[string]func(ctx context.Context) error{
		"Set": func(ctx context.Context) error { return session.Set(ctx, 7) },
		"Update": func(ctx context.Context) error {
			return session.Update(ctx, func(n *int) error { *n += 7; return nil })
		},
		"Get, then Update": func(ctx context.Context) error {
			n, err := session.Get[int](ctx)
			if n != 0 {
				t.Errorf("the data are %d, want none", n)
			}
			if user, _ := session.From(ctx).User(ctx); user != "" {
				t.Errorf("%q is logged in with data that do not decode", user)
			}
			if id, _ := session.From(ctx).ID(ctx); id != "" {
				t.Errorf("the id is %q, want none", id)
			}
			return errors.Join(err, session.Update(ctx, func(n *int) error { *n += 7; return nil }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil, nil)
			b := s.browser()
			b.get("/login?user=alice")
			b.get("/add?item=apple")
			old := b.clone()
			b.within(func(ctx context.Context) error { _, err := session.Get[int](ctx); return err })
			if b.id() != old.id() {
				t.Error("a session that was only read got another id")
			}
			s.wantUsers("alice") // nothing has been written
			b.within(write)
			if b.id() == old.id() || b.id() == "" {
				t.Errorf("the new session has the id %q, the old one had %q", b.id(), old.id())
			}
			s.wantUsers("")
			old.want(":")
			b.within(func(ctx context.Context) error {
				n, err := session.Get[int](ctx)
				if n != 7 {
					t.Errorf("the data are %d, want 7", n)
				}
				return err
			})
			if keys := s.keys(); len(keys) != 1 {
				t.Errorf("the store has %q, want the new session alone", keys)
			}
		})
	}
}

func TestALoginOverDataOfAnotherTypeIsOne(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/login?user=alice")
	b.get("/add?item=apple")
	b.within(func(ctx context.Context) error {
		if err := session.From(ctx).Login(ctx, "alice"); err != nil {
			return err
		}
		return session.Set(ctx, 7)
	})
	s.wantUsers("alice")
	b.within(func(ctx context.Context) error {
		n, err := session.Get[int](ctx)
		if user, _ := session.From(ctx).User(ctx); n != 7 || user != "alice" {
			t.Errorf("%q has %d, want alice and 7", user, n)
		}
		return err
	})
}

func TestWhatThisRequestHasSetIsNotTakenForAnotherVersions(t *testing.T) {
	b := serve(t, nil, nil).browser()
	b.get("/add?item=apple")
	b.within(func(ctx context.Context) error {
		if err := session.Set(ctx, cart{[]string{"pear"}}); err != nil {
			return err
		}
		if _, err := session.Get[int](ctx); err == nil {
			t.Error("a Get of another type than was set is no error")
		}
		return nil
	})
	b.want(":pear")
}

func TestFieldsThatATypeDoesNotHaveStayWhereNothingIsChanged(t *testing.T) {
	type more struct {
		cart

		Note string
	}
	b := serve(t, nil, nil).browser()
	b.within(func(ctx context.Context) error { return session.Set(ctx, more{Note: "ring twice"}) })
	b.within(func(ctx context.Context) error { return session.Update(ctx, func(*cart) error { return nil }) })
	b.within(func(ctx context.Context) error {
		if m, err := session.Get[more](ctx); err != nil || m.Note != "ring twice" {
			t.Errorf("the note is %q, %v", m.Note, err)
		}
		return nil
	})
}

func TestASessionIsSafeForTheGoroutinesOfARequest(t *testing.T) {
	b := serve(t, nil, nil).browser()
	b.get("/add?item=a")
	b.within(func(ctx context.Context) error {
		var work sync.WaitGroup
		for range 20 {
			work.Go(func() {
				if err := session.Update(ctx, func(c *cart) error { c.Items = append(c.Items, "b"); return nil }); err != nil {
					t.Error(err)
				}
				if _, err := session.Get[cart](ctx); err != nil {
					t.Error(err)
				}
				if _, err := session.From(ctx).ID(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		return nil
	})
	b.want(":a" + strings.Repeat(",b", 20))
}

func TestWithoutMiddlewareEveryMethodSaysSo(t *testing.T) {
	ctx := context.Background()
	s := session.From(ctx)
	if s != nil {
		t.Fatalf("the session is %v", s)
	}
	_, get := session.Get[cart](ctx)
	_, id := s.ID(ctx)
	_, user := s.User(ctx)
	_, info := s.Info(ctx)
	for name, err := range map[string]error{
		"Get": get, "ID": id, "User": user, "Info": info, "Set": session.Set(ctx, cart{}), "Update": session.Update(ctx, func(*cart) error { return nil }),
		"Login": s.Login(ctx, "alice"), "Renew": s.Renew(ctx), "Destroy": s.Destroy(ctx), "Save": s.Save(ctx),
	} {
		if !errors.Is(err, session.ErrNoMiddleware) || !strings.Contains(err.Error(), "(*session.Sessions).Handler") {
			t.Errorf("%s: %v, want ErrNoMiddleware, which names the handler", name, err)
		}
	}
}

func TestUsedTwiceTheMiddlewareCountsOnce(t *testing.T) {
	s := serve(t, nil, nil)
	s.handler = s.sessions.Handler(s.handler)
	b := s.browser()
	if got := b.get("/add?item=apple").cookies(); len(got) != 1 {
		t.Errorf("the response sets %q, want one cookie", got)
	}
	b.want(":apple")
	s.wantUsers("")
}

func TestTwoKindsOfSessionsDoNotMix(t *testing.T) {
	s := serve(t, nil, nil)
	admin, err := session.New(s.cache.Namespace("admin"), &session.Options{Name: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	inner := s.handler
	s.handler = admin.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := session.Set(r.Context(), "of the outer"); err != nil {
			t.Error(err)
		}
		inner.ServeHTTP(w, r)
		if v, err := session.Get[string](r.Context()); v != "of the outer" || err != nil {
			t.Errorf("the outer session has %q, %v", v, err)
		}
	}))
	b := s.browser()
	if got := b.get("/add?item=apple"); len(got.cookies()) != 2 || strings.Join(got.Header.Values("Vary"), ",") != "Cookie" {
		t.Errorf("the response sets %q and varies by %q, want two cookies and Cookie once", got.cookies(), got.Header.Values("Vary"))
	}
	b.want(":apple")
}

// keys are all that the store has.
func (s *service) keys() []string {
	s.t.Helper()
	var keys []string
	for key, err := range s.cache.Keys(context.Background(), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}
