package httpcache_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
	"github.com/larder-go/larder/cache/memstore"
)

// shop answers with its price as it was when the request came, a second later, and changes it at once.
type shop struct{ price, calls atomic.Int64 }

func (p *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		p.price.Add(1)
		if r.URL.Path != "/price" {
			w.Header().Set("Cache-Group-Invalidation", `"prices"`)
		}
		return
	}
	p.calls.Add(1)
	price := p.price.Load()
	<-time.After(time.Second)
	w.Header().Set("Cache-Control", "max-age=60")
	w.Header().Set("Cache-Groups", `"prices"`)
	_, _ = fmt.Fprint(w, price)
}

// TestWhoAsksAfterAChangeDoesNotJoinAnOlderCall has a slow GET under way when something changes, in this process or another.
func TestWhoAsksAfterAChangeDoesNotJoinAnOlderCall(t *testing.T) {
	changes := map[string]func(here, there *service, p *shop){
		"POST in this process":             func(here, _ *service, _ *shop) { here.do("POST", "/price") },
		"POST in another process":          func(_, there *service, _ *shop) { there.do("POST", "/price") },
		"POST for the group, from another": func(_, there *service, _ *shop) { there.do("POST", "/elsewhere") },
		"InvalidateTags from another": func(_, there *service, p *shop) {
			p.price.Add(1)
			if err := there.cache.InvalidateTags(context.Background(), "price"); err != nil {
				t.Error(err)
			}
		},
		"InvalidateGroups": func(here, _ *service, p *shop) {
			p.price.Add(1)
			if err := here.cache.InvalidateGroups(context.Background(), "http://example.com", "prices"); err != nil {
				t.Error(err)
			}
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, err := memstore.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				p := &shop{}
				o := &httpcache.Options{Rule: httpcache.Rule{Tags: func(*http.Request) []string { return []string{"price"} }}}
				here, there := serveOver(t, store, o, p.ServeHTTP), serveOver(t, store, o, p.ServeHTTP)
				older := make(chan answer, 1)
				go func() { older <- here.get("/price") }()
				<-time.After(100 * time.Millisecond)
				change(here, there, p)
				<-time.After(100 * time.Millisecond)
				const crowd = 10
				younger := make(chan answer, crowd)
				for range crowd {
					go func() { younger <- here.get("/price") }()
				}
				if a := <-older; a.body != "0" {
					t.Errorf("the older request got %q, want the price of its time", a.body)
				}
				for range crowd {
					if a := <-younger; a.body != "1" {
						t.Errorf("a request after the change got %q: %s", a.body, a.status())
					}
				}
				settle()
				if a := here.get("/price"); a.body != "1" {
					t.Errorf("later the price is %q: %s", a.body, a.status())
				}
			})
		})
	}
}

func TestTheRequestsAfterAPostShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &shop{}
		s := serve(t, nil, p.ServeHTTP)
		go s.get("/price")
		<-time.After(100 * time.Millisecond)
		s.do("POST", "/price")
		for range 10 {
			go s.get("/price")
		}
		<-time.After(2 * time.Second)
		if n := p.calls.Load(); n != 2 {
			t.Errorf("the handler was asked %d times, want once before the change and once after", n)
		}
		if a := s.get("/price"); !a.isHit() || a.body != "1" {
			t.Errorf("%q %s", a.body, a.status())
		}
	})
}

func TestVariantsThatAreMadeAtTheSameTimeAreAllStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			<-time.After(time.Second)
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Vary", "Accept-Language")
			_, _ = io.WriteString(w, r.Header.Get("Accept-Language"))
		})
		languages := []string{"de", "en", "fr", ""}
		for _, l := range languages {
			for range 3 {
				go func() {
					if a := s.get("/x", "Accept-Language", l); a.body != l {
						t.Errorf("who asks for %q gets %q", l, a.body)
					}
				}()
			}
		}
		<-time.After(10 * time.Second)
		before := s.calls.Load()
		for _, l := range languages {
			if a := s.get("/x", "Accept-Language", l); !a.isHit() || a.body != l {
				t.Errorf("%q: %q %s", l, a.body, a.status())
			}
		}
		if n := s.calls.Load(); n != before || before != int64(len(languages)) {
			t.Errorf("the handler was called %d times, and %d times again; want %d and 0", before, n-before, len(languages))
		}
	})
}

func TestAPostIsSeenByWhoComesAfterItWithoutAStoreToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &shop{}
		h, err := httpcache.New(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &service{t: t, cache: h, handler: h.Handler(p)}
		go s.get("/price")
		<-time.After(100 * time.Millisecond)
		s.do("POST", "/price")
		if a := s.get("/price"); a.body != "1" {
			t.Errorf("after the change the price is %q", a.body)
		}
	})
}

func TestVariantsThatAreMadeAtTheSameTimeKeepToTheirBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{MaxVariants: 4}, func(w http.ResponseWriter, r *http.Request) {
			<-time.After(time.Second)
			saying(r.Header.Get("Accept-Language"), "Cache-Control", "max-age=60", "Vary", "Accept-Language")(w, r)
		})
		s.get("/x", "Accept-Language", "0")
		settle()
		for i := range 6 {
			go s.get("/x", "Accept-Language", fmt.Sprint(i))
		}
		<-time.After(10 * time.Second)
		n := 0
		for _, err := range s.store.Namespace("http").Keys(context.Background(), "") {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if want := 1 + 4; n != want {
			t.Errorf("the store has %d records, want %d: an index and its variants", n, want)
		}
	})
}

// TestAFullStoreKeepsWhatIsBeingMade fills a store, which gives up first what would end first, while the handler works.
func TestAFullStoreKeepsWhatIsBeingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := memstore.New(&memstore.Options{MaxEntries: 5})
		if err != nil {
			t.Fatal(err)
		}
		s := serveOver(t, store, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				<-time.After(4 * time.Second)
			}
			saying(r.URL.Path, "Cache-Control", "max-age=7200", "Etag", `"1"`)(w, r)
		})
		for range 3 {
			go s.get("/slow")
		}
		<-time.After(time.Second)
		for i := range 20 {
			s.get(fmt.Sprint("/", i))
			settle()
		}
		go s.get("/slow")
		<-time.After(10 * time.Second)
		if a := s.get("/slow"); !a.isHit() || s.calls.Load() != 21 {
			t.Errorf("%s, after %d calls of the handler, want 21", a.status(), s.calls.Load())
		}
	})
}
