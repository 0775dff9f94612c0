package httpcache_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// control is what a page says of itself, and what follows from it.
type control struct {
	field, vary string
	cookie      bool
	life, stale time.Duration
	onError     time.Duration
	alone       bool // for the request alone that it answers
	forAll      bool // also for visitors with cookies or a password
}

func controls() []control {
	return []control{
		{field: "max-age=5", life: 5 * time.Second},
		{field: "max-age=5", vary: "Accept", life: 5 * time.Second},
		{field: "max-age=5, stale-while-revalidate=10", life: 5 * time.Second, stale: 10 * time.Second},
		{field: "public, max-age=5, stale-while-revalidate=10", vary: "Accept", life: 5 * time.Second, stale: 10 * time.Second, forAll: true},
		{field: "max-age=5, stale-if-error=20", life: 5 * time.Second, onError: 20 * time.Second},
		{field: "public, max-age=5", life: 5 * time.Second, forAll: true},
		{field: "s-maxage=5", vary: "Accept", life: 5 * time.Second, forAll: true},
		{field: "max-age=5", vary: "Cookie", life: 5 * time.Second},
		{field: "public, no-cache", forAll: true},
		{field: "private, max-age=100", alone: true},
		{field: "no-store, max-age=100", alone: true},
		{field: "public, max-age=100", cookie: true, alone: true},
		{alone: true},
	}
}

// version is a state of a page.
type version struct {
	number  int
	control control
}

// copied is a response of the handler's: what it was made of, and when the handler has said last that it holds.
type copied struct {
	path, accept, visitor, request string

	serial    int
	version   version
	confirmed time.Time // when the handler was called then
	last      int       // which of its calls that was
}

// world is the truth: the pages that there are, and the responses that the handler has made of them.
type world struct {
	mu     sync.Mutex
	random *rand.Rand
	pages  map[string]version
	made   map[string]*copied // by their tag
	serial int
	least  map[string]int // the call that whoever asks now must get at least, for what has been invalidated
	number map[string]int // the version that whoever asks now must get at least
}

func newWorld(seed uint64) *world {
	return &world{random: rand.New(rand.NewPCG(seed, 1)), pages: map[string]version{}, made: map[string]*copied{}, least: map[string]int{}, number: map[string]int{}}
}

func (w *world) intn(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n)
}

func (w *world) page(path string) version {
	v, ok := w.pages[path]
	if !ok {
		v = version{1, controls()[w.random.IntN(len(controls()))]}
		w.pages[path] = v
	}
	return v
}

// ServeHTTP is the handler. Some of its calls are slow, and some fail.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	h := rw.Header()
	h.Set("X-Request-Id", r.Header.Get("X-Req"))
	if r.Method == http.MethodPost {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.pages[r.URL.Path] = version{w.page(r.URL.Path).number + 1, controls()[w.random.IntN(len(controls()))]}
		rw.WriteHeader(http.StatusNoContent)
		return
	}
	start := time.Now()
	w.mu.Lock()
	v := w.page(r.URL.Path)
	w.serial++
	c := &copied{r.URL.Path, r.Header.Get("Accept"), r.Header.Get("X-Visitor"), r.Header.Get("X-Req"), w.serial, v, start, w.serial}
	w.mu.Unlock()
	if w.intn(3) == 0 {
		<-time.After(time.Duration(w.intn(7000)) * time.Millisecond)
	}
	fate := w.intn(20)
	switch fate {
	case 0:
		h.Set("X-Failed", c.request)
		rw.WriteHeader(http.StatusBadGateway)
		return
	case 1:
		panic(http.ErrAbortHandler)
	}
	if v.control.field != "" {
		h.Set("Cache-Control", v.control.field)
	}
	if v.control.vary != "" {
		h.Set("Vary", v.control.vary)
	}
	if v.control.cookie {
		h.Set("Set-Cookie", "session="+c.request)
	}
	w.mu.Lock()
	old := w.made[r.Header.Get("If-None-Match")]
	if old != nil && old.path == c.path && old.version.number == v.number {
		if c.serial > old.last {
			old.confirmed, old.last = start, c.serial
		}
		w.mu.Unlock()
		h.Set("Etag", r.Header.Get("If-None-Match"))
		rw.WriteHeader(http.StatusNotModified)
		return
	}
	tag := fmt.Sprintf(`"%d"`, c.serial)
	w.made[tag] = c
	w.mu.Unlock()
	h.Set("Etag", tag)
	if fate == 2 { // cut short
		h.Set("Content-Length", "100000")
		h.Set("X-Failed", c.request)
	}
	_, _ = rw.Write([]byte(bodyOf(c)))
}

func bodyOf(c *copied) string {
	return fmt.Sprint(c.path, " in ", c.accept, " for ", c.visitor, " by ", c.request, " ", c.serial, strings.Repeat(".", 10+c.serial%5000), "end")
}

// asked is a request on its way.
type asked struct {
	request, path, accept, visitor, cookie, tag string

	at            time.Time
	least, number int
}

var errOld = errors.New("what was invalidated before the request")

// check tells what is wrong with an answer to a request.
func (w *world) check(q *asked, a answer, now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range []string{"X-Request-Id", "X-Failed"} {
		if got := a.Header.Get(name); got != "" && got != q.request {
			return fmt.Errorf("%s is another's: %s", name, got)
		}
	}
	if a.Header.Get("X-Failed") != "" {
		return nil
	}
	if got := a.Header.Get("Set-Cookie"); got != "" && got != "session="+q.request {
		return fmt.Errorf("a cookie of another's: %s", got)
	}
	c := w.made[a.Header.Get("Etag")]
	switch {
	case c == nil:
		return fmt.Errorf("nobody made this: %v", a.Header)
	case a.StatusCode == http.StatusNotModified && q.tag != a.Header.Get("Etag"):
		return errors.New("the client does not have what is said not to be modified")
	case a.StatusCode == http.StatusNotModified && a.Header.Get("X-Request-Id") == q.request && !strings.Contains(a.status(), "fwd-status"):
		return nil // so the handler itself has said
	case a.StatusCode == http.StatusOK && a.body != bodyOf(c):
		return fmt.Errorf("a body of %d bytes that is not the tag's", len(a.body))
	case c.path != q.path || c.version.control.vary == "Accept" && c.accept != q.accept:
		return fmt.Errorf("%s in %s", c.path, c.accept)
	case c.request == q.request:
		return nil
	case c.version.control.alone:
		return fmt.Errorf("what was for %s alone", c.request)
	case !maySee(q, c):
		return fmt.Errorf("what was for %s", c.visitor)
	case c.last < q.least || c.version.number < q.number:
		return fmt.Errorf("%w: response %d of version %d, not %d of %d or later", errOld, c.last, c.version.number, q.least, q.number)
	}
	allowed := c.version.control.life + c.version.control.stale
	if s := a.status(); strings.Contains(s, "stale-if-error") || strings.Contains(s, "collapsed") {
		allowed = max(allowed, c.version.control.life+c.version.control.onError)
	}
	if age := now.Sub(c.confirmed); c.confirmed.Before(q.at) && age > allowed {
		return fmt.Errorf("what is %v old, and may be %v", age, allowed)
	}
	return nil
}

// maySee tells whether what one visitor got is for another too.
func maySee(q *asked, c *copied) bool {
	certain := func(visitor string) bool { return visitor != "nobody" }
	switch {
	case c.version.control.forAll || !certain(q.visitor) && !certain(c.visitor):
		return true
	case c.version.control.vary == "Cookie":
		return q.visitor == c.visitor && q.cookie != ""
	}
	return false
}

func TestTheModelRejectsWhatIsWrong(t *testing.T) { synctest.Test(t, rejects) }

func rejects(t *testing.T) {
	w := newWorld(1)
	now := time.Now()
	c := &copied{path: "/x", visitor: "ann", request: "1", serial: 7, version: version{3, controls()[0]}, confirmed: now, last: 7}
	w.made[`"7"`] = c
	good := func() (*asked, answer) {
		q := &asked{request: "2", path: "/x", visitor: "nobody", at: now, least: 7, number: 3}
		return q, answer{&http.Response{StatusCode: http.StatusOK, Header: http.Header{"Etag": {`"7"`}}}, bodyOf(c)}
	}
	c.visitor = "nobody"
	for name, spoil := range map[string]func(q *asked, a *answer, at *time.Time){
		"nothing":           func(*asked, *answer, *time.Time) {},
		"another's id":      func(_ *asked, a *answer, _ *time.Time) { a.Header.Set("X-Request-Id", "1") },
		"another's failure": func(_ *asked, a *answer, _ *time.Time) { a.Header.Set("X-Failed", "1") },
		"another's cookie":  func(_ *asked, a *answer, _ *time.Time) { a.Header.Set("Set-Cookie", "session=1") },
		"another's page":    func(q *asked, _ *answer, _ *time.Time) { q.visitor = "bob" },
		"another URL's":     func(q *asked, _ *answer, _ *time.Time) { q.path = "/y" },
		"cut short":         func(_ *asked, a *answer, _ *time.Time) { a.body = a.body[:10] },
		"too old":           func(q *asked, _ *answer, at *time.Time) { q.at = now.Add(6 * time.Second); *at = q.at },
		"invalidated":       func(q *asked, _ *answer, _ *time.Time) { q.least = 8 },
		"changed":           func(q *asked, _ *answer, _ *time.Time) { q.number = 4 },
		"a wrong 304":       func(_ *asked, a *answer, _ *time.Time) { a.StatusCode = http.StatusNotModified },
	} {
		q, a := good()
		at := now
		spoil(q, &a, &at)
		if err := w.check(q, a, at); (err == nil) != (name == "nothing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
