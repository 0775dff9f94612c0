package httpcache_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestNewNamesTheOptionThatIsWrong(t *testing.T) {
	const name = "; allowed: a letter, then letters, digits and '-'"
	const more = "; allowed: 0 for the default, or more"
	for _, c := range []struct {
		name string
		o    httpcache.Options
		want string
	}{
		{"a name with a space", httpcache.Options{Name: "a b"}, `httpcache: new: Options.Name is "a b"` + name},
		{"a name that starts with a digit", httpcache.Options{Name: "1a"}, `httpcache: new: Options.Name is "1a"` + name},
		{"a name that starts with a hyphen", httpcache.Options{Name: "-a"}, `httpcache: new: Options.Name is "-a"` + name},
		{"a name with what ends a member of a list", httpcache.Options{Name: "a,b"}, `httpcache: new: Options.Name is "a,b"` + name},
		{"a name that is not ASCII", httpcache.Options{Name: "aé"}, `httpcache: new: Options.Name is "aé"` + name},
		{"a name of two lines", httpcache.Options{Name: "a\nb"}, `httpcache: new: Options.Name is "a\nb"` + name},
		{"a length below zero", httpcache.Options{MaxBodyBytes: -1}, "httpcache: new: Options.MaxBodyBytes is -1" + more},
		{"a number below zero", httpcache.Options{MaxVariants: -1}, "httpcache: new: Options.MaxVariants is -1" + more},
		{"a time to keep below zero", httpcache.Options{KeepStale: -1}, "httpcache: new: Options.KeepStale is -1" + more},
		{"forever to keep", httpcache.Options{KeepStale: cache.Forever}, ""},
		{"a timeout below zero", httpcache.Options{Timeout: -time.Second}, "httpcache: new: Options.Timeout is -1000000000" + more},
		{"a lifetime below zero", httpcache.Options{Rule: httpcache.Rule{TTL: -time.Second}},
			"httpcache: new: Options.Rule.TTL is -1s; allowed: 0 for the handler's own Cache-Control, more, or cache.Forever"},
		{"the lifetime that keeps another", httpcache.Options{Rule: httpcache.Rule{TTL: cache.KeepTTL}},
			"httpcache: new: Options.Rule.TTL is " + cache.KeepTTL.String() + "; allowed: 0 for the handler's own Cache-Control, more, or cache.Forever"},
		{"the zero value", httpcache.Options{}, ""},
		{"a name of one letter", httpcache.Options{Name: "A"}, ""},
		{"a name of all that is allowed", httpcache.Options{Name: "z-0-9-Z"}, ""},
		{"the greatest of all", httpcache.Options{
			MaxBodyBytes: math.MaxInt64, MaxVariants: math.MaxInt, KeepStale: math.MaxInt64, Timeout: math.MaxInt64, Rule: httpcache.Rule{TTL: cache.Forever}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := httpcache.New(nil, &c.o)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want || (h == nil) != (err != nil) {
				t.Errorf("%v, %q, want %q", h, got, c.want)
			}
		})
	}
}

func TestHandlerForPanicsWhereTheRuleIsWrong(t *testing.T) {
	h, err := httpcache.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if got, want := recover(), "httpcache: Rule.TTL is -1ns; allowed: 0 for the handler's own Cache-Control, more, or cache.Forever"; got != want {
			t.Errorf("it panics with %v, want %q", got, want)
		}
	}()
	h.HandlerFor(httpcache.Rule{TTL: -1}, nil)
}

// The options are the caller's again when New has returned.
func TestNewKeepsNothingOfItsOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &httpcache.Options{IgnoreCookies: []string{"_ga"}, Rule: httpcache.Rule{TTL: time.Minute}}
		s := serve(t, o, saying("hello"))
		o.IgnoreCookies[0], o.Rule.TTL, o.Name = "x", 0, "other"
		if first, second := s.twice("Cookie", "_ga=1"); first.status() != "larder; fwd=uri-miss; ttl=60; stored" || !second.isHit() {
			t.Errorf("%s, then %s", first.status(), second.status())
		}
	})
}

func TestABodyIsOneMebibyteUnlessItIsSaid(t *testing.T) {
	for _, c := range []struct {
		length int
		stored bool
	}{
		{1 << 20, true},
		{1<<20 + 1, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, saying(strings.Repeat("x", c.length), "Cache-Control", "max-age=60"))
			if _, second := s.twice(); second.isHit() != c.stored || len(second.body) != c.length {
				t.Errorf("of %d bytes %d, %s", c.length, len(second.body), second.status())
			}
		})
	}
}

// hanging is a store that does not read until the context is done.
type hanging struct{ cache.Store }

func (h hanging) Get(ctx context.Context, _ string) ([]byte, bool, error) {
	<-ctx.Done()
	return nil, false, ctx.Err()
}

func TestARequestWaitsForTheStore(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout time.Duration
		want    time.Duration
	}{
		{"for a quarter of a second unless it is said", 0, 250 * time.Millisecond},
		{"for as long as it is said", 3 * time.Second, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, err := memstore.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				s := serveOver(t, hanging{store}, &httpcache.Options{Timeout: c.timeout}, saying("hello", "Cache-Control", "max-age=60"))
				start := time.Now()
				if a := s.get("/x"); a.body != "hello" || a.status() != "larder; fwd=miss; ttl=60" || time.Since(start) != c.want {
					t.Errorf("%q %s after %v, want %v", a.body, a.status(), time.Since(start), c.want)
				}
			})
		})
	}
}

func TestAStaleResponseMayBeKeptForever(t *testing.T) {
	for _, keep := range []time.Duration{cache.Forever, math.MaxInt64, 200 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, &httpcache.Options{KeepStale: keep}, tagged(`"1"`, "Cache-Control", "max-age=60", "Vary", "A"))
			if a := s.after(50 * 365 * 24 * time.Hour); a.status() != "larder; fwd=stale; fwd-status=304; ttl=60; stored" {
				t.Errorf("%v: %s", keep, a.status())
			}
		})
	}
}
