package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/session"
)

// newCache is what a program gets from its registry.
func newCache() *cache.Cache {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	return c
}

// Visit is what this program keeps of a visitor.
type Visit struct {
	Count int `json:"count"`
}

func Example() {
	c := newCache()
	defer func() { _ = c.Close() }()
	sessions, err := session.New(c, nil)
	if err != nil {
		panic(err)
	}
	server := httptest.NewTLSServer(sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := session.Update(r.Context(), func(v *Visit) error { v.Count++; return nil }); err != nil {
			return // the client gets a 503
		}
		v, _ := session.Get[Visit](r.Context())
		fmt.Println("visit", v.Count)
	})))
	defer server.Close()
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	for range 3 {
		res, err := client.Get(server.URL)
		if err != nil {
			panic(err)
		}
		_ = res.Body.Close()
	}
	// Output:
	// visit 1
	// visit 2
	// visit 3
}

// Account is a user of this program.
type Account struct{ Name string }

func ExampleAuthenticate() {
	c := newCache()
	defer func() { _ = c.Close() }()
	sessions, err := session.New(c, nil)
	if err != nil {
		panic(err)
	}
	accounts := map[string]Account{"7": {"Alice"}}
	auth, err := session.Authenticate(func(_ context.Context, user string) (Account, error) {
		a, ok := accounts[user]
		if !ok {
			return a, session.ErrNoUser
		}
		return a, nil
	}, &session.AuthOptions{Exempt: []string{"/login", "/public/*"}})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) { // after looking at the password
		if err := session.From(r.Context()).Login(r.Context(), "7"); err != nil {
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		a, _ := session.UserOf[Account](r.Context())
		_, _ = fmt.Fprint(w, "hello ", a.Name)
	})
	handler := sessions.Handler(auth.Handler(mux))

	get := func(path string, cookies ...*http.Cookie) *http.Response {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(path, w.Code, w.Body.Len() > 0)
		return w.Result()
	}
	get("/me")
	cookies := get("/login").Cookies()
	get("/me", cookies...)
	if err := sessions.LogOutEverywhere(context.Background(), "7"); err != nil {
		panic(err)
	}
	get("/me", cookies...)
	// Output:
	// /me 401 true
	// /login 204 false
	// /me 200 true
	// /me 401 true
}

// A handler that sets data can answer a conflict in its own words.
func ExampleSession_Save() {
	c := newCache()
	defer func() { _ = c.Close() }()
	sessions, err := session.New(c, nil)
	if err != nil {
		panic(err)
	}
	cookie, err := sessions.Create(context.Background(), "7", Visit{1})
	if err != nil {
		panic(err)
	}
	handler := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		_ = session.Set(ctx, Visit{2})
		_ = sessions.LogOutEverywhere(context.Background(), "7") // another request, meanwhile
		if err := session.From(ctx).Save(ctx); errors.Is(err, session.ErrConflict) {
			http.Error(w, "please log in again", http.StatusForbidden)
		}
	}))
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)
	r.AddCookie(cookie)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
	// Output:
	// 403 please log in again
}
