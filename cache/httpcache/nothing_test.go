package httpcache_test

import (
	"net/http"
	"testing"
	"testing/synctest"
)

func TestWithoutACacheTheHandlerIsAskedEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveNothing(t, nil, saying("page", "Cache-Control", "max-age=60", "Cache-Groups", `"group"`))
		for i := range int64(3) {
			s.get("/x").wantStatus(t, "larder; fwd=uri-miss; ttl=60")
			settle()
			s.wantCalls(t, i+1)
		}
		s.do(http.MethodHead, "/x").wantStatus(t, "larder; fwd=uri-miss")
		s.do(http.MethodPost, "/x").wantStatus(t, "larder; fwd=method")
		s.wantCalls(t, 5)
		if err := s.cache.InvalidateTags(t.Context(), "tag"); err != nil {
			t.Error(err)
		}
		if err := s.cache.InvalidateGroups(t.Context(), "http://example.com", "group"); err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutACacheConcurrentRequestsStillShareACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := serveNothing(t, nil, func(w http.ResponseWriter, r *http.Request) {
			<-gate
			saying(page(1), "Cache-Control", "max-age=60")(w, r)
		})
		all := s.beginMany(5, "/x")
		close(gate)
		for _, c := range all {
			if a := <-c; a.body != page(1) {
				t.Errorf("%d bytes, %s", len(a.body), a.status())
			}
		}
		s.wantCalls(t, 1)
	})
}
