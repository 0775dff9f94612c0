package httpcache_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// all lets every response be stored that may be by RFC 9111.
func all(*http.Request, int, http.Header) bool { return true }

// RFC 9110 section 15.1 names the statuses of which a cache may guess how long they are fresh; 206 is not for this cache.
func TestFreshnessIsGuessedOf(t *testing.T) {
	const guessed = " 200 203 204 300 301 308 404 405 410 414 501 "
	for status := 200; status < 600; status++ {
		if status == http.StatusNotModified || status == http.StatusPartialContent {
			continue
		}
		want := strings.Contains(guessed, " "+strconv.Itoa(status)+" ")
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Filter: all}}, answering(status, "", "Last-Modified", "Fri, 31 Dec 1999 00:00:00 GMT"))
			if _, second := s.twice(); second.isHit() != want || second.StatusCode != status {
				t.Errorf("of %d it is guessed: %t, want %t", status, second.isHit(), want)
			}
		})
	}
}

func TestFreshnessIsGuessedOfWhatIsPublicWhateverItsStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := answering(302, "", "Location", "/y", "Last-Modified", "Fri, 31 Dec 1999 23:50:00 GMT", "Cache-Control", "public")
		serve(t, nil, answer).lasts(time.Minute)
	})
}

func TestAStatusIsStoredThatSaysSoExplicitly(t *testing.T) {
	for _, status := range []int{200, 201, 202, 203, 204, 205, 226, 300, 301, 302, 303, 305, 307, 308, 400, 403, 404, 405, 410, 414, 418, 429, 451, 499} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, answering(status, "", "Cache-Control", "max-age=60"))
			if _, second := s.twice(); !second.isHit() || second.StatusCode != status {
				t.Errorf("%d: %d %s", status, second.StatusCode, second.status())
			}
		})
	}
}

func TestMustUnderstandLetsBeStoredWhatIsUnderstood(t *testing.T) {
	const understood = " 200 203 204 300 301 302 303 307 308 400 403 404 405 410 414 500 501 502 503 504 "
	for status := 200; status < 600; status++ {
		if status == http.StatusNotModified || status == http.StatusPartialContent {
			continue
		}
		want := strings.Contains(understood, " "+strconv.Itoa(status)+" ")
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Filter: all}}, answering(status, "", "Cache-Control", "must-understand, no-store, max-age=60"))
			if _, second := s.twice(); second.isHit() != want {
				t.Errorf("%d is stored: %t, want %t", status, second.isHit(), want)
			}
		})
	}
}

// RFC 9110 section 8.6.
func TestAHitOf204HasNoLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, answering(http.StatusNoContent, "", "Cache-Control", "max-age=60"))
		if _, second := s.twice(); !second.isHit() || second.Header["Content-Length"] != nil {
			t.Errorf("%s, %v", second.status(), second.Header)
		}
	})
}
