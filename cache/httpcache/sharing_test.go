package httpcache_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

func TestFollowersWithCredentialsGetOnlyWhatIsForAll(t *testing.T) {
	for control, shared := range map[string]bool{"max-age=60": false, "public, max-age=60": true, "s-maxage=60": true} {
		for _, field := range []string{"Authorization", "Cookie"} {
			t.Run(control+" with "+field, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					gate := make(chan struct{})
					s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
						<-gate
						w.Header().Set("Cache-Control", control)
						_, _ = io.WriteString(w, "for "+r.Header.Get(field))
					})
					a, b, nobody := s.begin(request(http.MethodGet, "/x", field, "ann=1")), s.begin(request(http.MethodGet, "/x", field, "bob=1")), s.begin(request(http.MethodGet, "/x"))
					settle()
					s.wantCalls(t, 2) // of the certain ones, and of those that are not
					close(gate)
					answers := map[string]bool{(<-a).body: true, (<-b).body: true}
					if want := 2; !shared && len(answers) != want || shared && len(answers) != 1 {
						t.Errorf("two visitors got %v", answers)
					}
					if got := (<-nobody).body; got != "for " {
						t.Errorf("a visitor without %s got %q", field, got)
					}
				})
			})
		}
	}
}

func TestAPageForAPasswordIsNotForASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			<-gate
			saying("for "+r.Header.Get("Authorization")+r.Header.Get("Cookie"), "Cache-Control", "max-age=60, must-revalidate")(w, r)
		})
		password := s.begin(request(http.MethodGet, "/x", "Authorization", "ann"))
		settle()
		session := s.begin(request(http.MethodGet, "/x", "Cookie", "bob=1"))
		settle()
		close(gate)
		if a, b := <-password, <-session; a.body != "for ann" || b.body != "for bob=1" {
			t.Errorf("they get %q and %q, %s", a.body, b.body, b.status())
		}
	})
}

func TestAStaleResponseInPlaceOfAnErrorIsForWhoMayHaveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{}, 10)
		failing := false
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			<-gate
			if failing {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			saying("page", "Cache-Control", "max-age=1, stale-if-error=600", "Vary", "Cookie")(w, r)
		})
		gate <- struct{}{}
		s.get("/x", "Cookie", "ann=1")
		<-time.After(time.Minute)
		failing = true
		leader := s.begin(request(http.MethodGet, "/x", "Cookie", "ann=1"))
		settle()
		same := s.begin(request(http.MethodGet, "/x", "Cookie", "ann=1"))
		more := s.begin(request(http.MethodGet, "/x", "Cookie", "ann=1", "Authorization", "ann"))
		settle()
		close(gate)
		if a, b := <-leader, <-same; a.body != "page" || b.body != "page" {
			t.Errorf("%q, %s; %q, %s", a.body, a.status(), b.body, b.status())
		}
		if a := <-more; a.StatusCode != http.StatusBadGateway {
			t.Errorf("with a password: %d %q, %s", a.StatusCode, a.body, a.status())
		}
	})
}

func TestAFollowerWhoAsksForMoreThanTheLeaderGetsItsOwn(t *testing.T) {
	for _, asks := range []string{"no-cache", "min-fresh=100"} {
		t.Run(asks, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				s := serve(t, &httpcache.Options{ObeyClients: true}, slowly(gate))
				leader := s.begin(request(http.MethodGet, "/x"))
				settle()
				follower := s.begin(request(http.MethodGet, "/x", "Cache-Control", asks))
				settle()
				close(gate)
				<-leader
				if a := <-follower; a.body != "0123456789" {
					t.Errorf("%q, %s", a.body, a.status())
				}
				s.wantCalls(t, 2)
			})
		})
	}
}
