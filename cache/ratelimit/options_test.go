package ratelimit_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/ratelimit"
)

func TestWhatOptionsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		options ratelimit.Options
		want    string
	}{
		{"a name with a space", ratelimit.Options{Name: "log in"}, `ratelimit: new: Options.Name is "log in"; allowed: 1 to 64 of A-Z a-z 0-9 _ and -`},
		{"a name with a letter beyond ASCII", ratelimit.Options{Name: "é"}, "Options.Name is"},
		{"a name of 65 letters", ratelimit.Options{Name: strings.Repeat("a", 65)}, "Options.Name is"},
		{"limits that are empty", ratelimit.Options{Limits: []cache.Limit{}}, "Options.Limits: no limits are given; allowed: 1 or more"},
		{"more than one a microsecond", ratelimit.Options{Limits: []cache.Limit{{Requests: 1_000_001, Period: time.Second}}}, `Options.Limits: limit "default" has 1000001 requests;`},
		{"two limits without a name", ratelimit.Options{Limits: []cache.Limit{{Requests: 1, Period: 1e9}, {Requests: 2, Period: 1e9}}}, `two limits are named "default"`},
		{"a limit's name that no field can have", ratelimit.Options{Limits: []cache.Limit{{Name: `a"b`, Requests: 1, Period: 1e9}}}, `a limit is named "a\"b"`},
		{"an exempt path without a slash", ratelimit.Options{Exempt: []string{"static/*"}}, `Options.Exempt: the path is "static/*"; allowed:`},
		{"an exempt pattern in the middle", ratelimit.Options{Exempt: []string{"/a/*/b"}}, `the path is "/a/*/b"`},
		{"an exempt beginning of a word", ratelimit.Options{Exempt: []string{"/sta*"}}, `the path is "/sta*"`},
		{"an exempt path that names another", ratelimit.Options{Exempt: []string{"/a/../b"}}, `the path is "/a/../b"`},
		{"an exempt path of nothing but slashes", ratelimit.Options{Exempt: []string{"//"}}, `the path is "//"`},
		{"an exempt beginning with an empty segment", ratelimit.Options{Exempt: []string{"/a//*"}}, `the path is "/a//*"`},
		{"an exempt beginning of nothing but slashes", ratelimit.Options{Exempt: []string{"//*"}}, `the path is "//*"`},
		{"an exempt path with a dot", ratelimit.Options{Exempt: []string{"/./a"}}, `the path is "/./a"`},
		{"an exempt path with a backslash", ratelimit.Options{Exempt: []string{`/a\b`}}, `the path is "/a\\b"`},
		{"an exempt path that is empty", ratelimit.Options{Exempt: []string{""}}, `the path is ""`},
		{"an exempt path that is a star", ratelimit.Options{Exempt: []string{"*"}}, `the path is "*"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cached, err := cache.New(memory(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cached.Close() }()
			if _, err := ratelimit.New(cached, &c.options); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestNamesAreOfLettersDigitsAndTwoMore(t *testing.T) {
	for _, name := range []string{"a", "z", "A", "Z", "0", "9", "_", "-", strings.Repeat("a", 64)} {
		synctest.Test(t, func(t *testing.T) {
			s := limit(t, ratelimit.Options{Name: name})
			if got, want := s.from(peer, "/").Header.Get("Ratelimit"), `"`+name+`";r=99;t=1`; got != want {
				t.Errorf("RateLimit is %s, want %s", got, want)
			}
		})
	}
	for _, name := range []string{"`", "{", "@", "[", "/", ":", ".", "a b", "\x00"} {
		c, err := cache.New(memory(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ratelimit.New(c, &ratelimit.Options{Name: name}); err == nil {
			t.Errorf("%q is a name", name)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// plain is a store without capabilities.
type plain struct{ cache.Store }

func TestALimiterNeedsACacheThatCanTake(t *testing.T) {
	if _, err := ratelimit.New(nil, nil); err == nil || err.Error() != "ratelimit: new: the cache is nil, in which nothing is counted" {
		t.Errorf("a nil cache: %v", err)
	}
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(plain{store}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := ratelimit.New(c, nil); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "no cache.Limiter") {
		t.Errorf("a store that cannot take: %v", err)
	}
}

func TestWhatIsExempt(t *testing.T) {
	for _, c := range []struct {
		path   string
		exempt bool
	}{
		{"/health", true},
		{"/health/", false},
		{"/healthy", false},
		{"/x/health", false},
		{"/HEALTH", false},
		{"/he%61lth", false}, // written as nobody writes it
		{"/health?full=1", true},
		{"/static/a.css", true},
		{"/static/a/b.css", true},
		{"/static/", true},
		{"/static/a%20b.css", true},
		{"/static/%61.css", false},
		{"/static/a%2fb.css", false},
		{"/static", false},
		{"/statics/a.css", false},
		{"/static/../login", false},
		{"/static/a/../../login", false},
		{"/static/%2e%2e/login", false},
		{"/static/..%2flogin", false},
		{"/static//login", false},
		{"/static//", false},
		{"/static/a/", true},
		{"/static/a//", false},
		{"/static/./login", false},
		{`/static/..%5clogin`, false},
		{"/login", false},
		{"//health", false},
	} {
		t.Run(c.path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := limit(t, once(ratelimit.Options{Exempt: []string{"/health", "/static/*"}}))
				s.from(peer, "http://a.example"+c.path)
				if got := s.from(peer, "http://a.example"+c.path).StatusCode == http.StatusNoContent; got != c.exempt {
					t.Errorf("exempt: %t, want %t", got, c.exempt)
				}
			})
		})
	}
}

func TestTheCallersLimitsAreLeftAlone(t *testing.T) {
	limits := []cache.Limit{{Requests: 1, Period: time.Hour}}
	limit(t, ratelimit.Options{Name: "login", Limits: limits})
	if limits[0].Name != "" {
		t.Errorf("the limit is named %q now", limits[0].Name)
	}
}
