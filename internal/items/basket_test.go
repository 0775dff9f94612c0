//go:build unix

package items_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/servertest"
	"github.com/larder-go/larder/internal/wait"
)

// visitor is somebody who keeps the cookies that a server sets, and gives them to any server.
type visitor struct {
	t       *testing.T
	cookies string
}

// ask returns the response with its body read.
func (v *visitor) ask(p *servertest.Process, method, path, body string) (*http.Response, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, p.URL()+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if v.cookies != "" {
		r.Header.Set("Cookie", v.cookies)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		v.cookies = c.Name + "=" + c.Value
	}
	return res, string(b)
}

// newItem makes an item and returns its id.
func newItem(t *testing.T, p *servertest.Process, name string) string {
	t.Helper()
	res, body := (&visitor{t: t}).ask(p, "POST", "/api/v1/items", `{"name":"`+name+`","price":3}`)
	var item struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(body), &item); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s: %v", res.Status, body, err)
	}
	return item.ID
}

// The README's session, with all that main.go has to offer, in two processes of the built binary.
func TestSixLinesOfTheProgramGiveVisitorsBasketsAndLimits(t *testing.T) {
	binary := servertest.BuildChanged(t, func(program string) string {
		return switchOn(t, switchOn(t, switchOn(t, program, "Sessions("), "RateLimit("), `Use("`)
	})
	env := []string{
		"APP_CACHE_BACKEND=redis", "APP_CACHE_STORAGE_URL=" + redistest.Start(t).URL(), "APP_RATE_LIMIT_REQUESTS=20", "APP_RATE_LIMIT_PERIOD=24h",
		"APP_ITEMS_PATH=" + t.TempDir(), "APP_DRAIN_DELAY=0s",
	}
	p, q := servertest.Start(t, binary, env).Ready(), servertest.Start(t, binary, env).Ready()
	jam, tea := newItem(t, p, "jam"), newItem(t, q, "tea")
	alice, bob := visitor{t: t}, visitor{t: t}

	res, body := alice.ask(p, "GET", "/api/v1/basket", "")
	if res.StatusCode != http.StatusOK || body != `{"items":[]}`+"\n" || len(res.Cookies()) != 0 {
		t.Errorf("who has put nothing into it has the basket %s, and the cookies %v", body, res.Cookies())
	}
	res, _ = alice.ask(p, "PUT", "/api/v1/basket/"+jam, "")
	if c := res.Cookies(); res.StatusCode != http.StatusNoContent || len(c) != 1 || c[0].Name != "__Host-session" || !c[0].Secure || !c[0].HttpOnly {
		t.Fatalf("%s with the cookies %v", res.Status, c)
	}
	alice.ask(q, "PUT", "/api/v1/basket/"+tea, "")
	alice.ask(q, "PUT", "/api/v1/basket/"+tea, "")
	bob.ask(q, "PUT", "/api/v1/basket/"+tea, "")
	for _, server := range []*servertest.Process{p, q} {
		if res, body := alice.ask(server, "GET", "/api/v1/basket", ""); body != `{"items":["`+jam+`","`+tea+`"]}`+"\n" || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("alice has %s, with %v", body, res.Header)
		}
		if _, body := bob.ask(server, "GET", "/api/v1/basket", ""); body != `{"items":["`+tea+`"]}`+"\n" {
			t.Errorf("bob has %s", body)
		}
	}
	alice.ask(p, "DELETE", "/api/v1/basket/"+jam, "")
	if res, body := alice.ask(q, "GET", "/api/v1/basket", ""); body != `{"items":["`+tea+`"]}`+"\n" || res.Header.Get("Ratelimit-Policy") != `"default";q=20;w=86400` {
		t.Errorf("alice has %s, with %v", body, res.Header)
	}
	if res, _ := alice.ask(p, "PUT", "/api/v1/basket/nothing", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("what can be no item: %s", res.Status)
	}

	// 14 requests of this address have been counted, by both; six are left.
	for n := range 8 {
		res, body := (&visitor{t: t}).ask([]*servertest.Process{p, q}[n%2], "GET", "/api/v1/nothing", "")
		switch refused := res.StatusCode == http.StatusTooManyRequests; {
		case refused != (n >= 6):
			t.Errorf("request %d: %s", n, res.Status)
		case refused && (res.Header.Get("Retry-After") == "" || !strings.Contains(body, "quota-exceeded")):
			t.Errorf("%v %s", res.Header, body)
		}
	}
	if res, _ := alice.ask(p, "GET", "/robots.txt", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("what is exempt: %s", res.Status)
	}
}

func TestLimitsGoOnWithoutTheirStoreAndSessionsSaySo(t *testing.T) {
	binary := servertest.BuildChanged(t, func(program string) string { return switchOn(t, switchOn(t, program, "Sessions("), "RateLimit(") })
	server := redistest.Start(t)
	for _, c := range []struct {
		fail   string
		during int // of a request that uses no session
	}{{"open", http.StatusOK}, {"closed", http.StatusServiceUnavailable}} {
		t.Run(c.fail, func(t *testing.T) {
			p := servertest.Start(t, binary, []string{
				"APP_CACHE_BACKEND=redis", "APP_CACHE_STORAGE_URL=" + server.URL(), "APP_CACHE_READINESS=degraded", "APP_RATE_LIMIT_FAIL=" + c.fail,
				"APP_RATE_LIMIT_REQUESTS=5", "APP_RATE_LIMIT_PERIOD=24h", "APP_CACHE_KEY_PREFIX=" + c.fail + ":", "APP_DRAIN_DELAY=0s",
			}).Ready()
			var alice visitor
			alice.t = t
			if res, _ := alice.ask(p, "PUT", "/api/v1/basket/"+strings.Repeat("0", 32), ""); res.StatusCode != http.StatusNoContent {
				t.Fatal(res.Status)
			}
			server.Freeze()
			defer server.Thaw()
			nobody := visitor{t: t}
			if res, body := nobody.ask(p, "GET", "/api/v1/items", ""); res.StatusCode != c.during {
				t.Errorf("while the store is down: %s %s", res.Status, body)
			}
			if res, body := alice.ask(p, "GET", "/api/v1/items", ""); res.StatusCode != c.during {
				t.Errorf("while the store is down, who has a session gets %s %s of what does not use it", res.Status, body)
			}
			if res, body := alice.ask(p, "GET", "/api/v1/basket", ""); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("who has a session gets %s %s", res.Status, body)
			}
			refused := 0
			for range 10 {
				if res, _ := nobody.ask(p, "GET", "/api/v1/items", ""); res.StatusCode == http.StatusTooManyRequests {
					refused++
				}
			}
			if c.fail == "open" && refused < 5 {
				t.Errorf("of 10 requests more %d were refused", refused)
			}
			by := map[string]string{"open": `rate_limit_decisions_total{allowed="false",by="process",limiter="default"} `, "closed": `rate_limit_decisions_total{allowed="false",by="nobody",limiter="default"} `}[c.fail]
			if _, metrics := nobody.ask(p, "GET", "/metrics", ""); !strings.Contains(metrics, by) || strings.Contains(metrics, by+"0\n") {
				t.Errorf("the metrics do not count what was refused %s", by)
			}
			server.Thaw()
			wait.Until(t, func() bool {
				res, body := alice.ask(p, "GET", "/api/v1/basket", "")
				return res.StatusCode == http.StatusTooManyRequests || strings.Contains(body, "0000")
			})
		})
	}
}
