package httpcache_test

import (
	"testing"
	"testing/synctest"
)

// TestWhoSaysWhoHeIsGetsNoSharedResponse is RFC 9111 section 3.5 for Authorization, and the same for the fields that handlers take for it.
func TestWhoSaysWhoHeIsGetsNoSharedResponse(t *testing.T) {
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token", "X-Access-Token", "X-Amz-Security-Token", "Private-Token", "Api-Key", "DPoP",
		"Remote-User", "X-Remote-User", "X-Auth-Request-Email", "X-Goog-Iap-Jwt-Assertion", "Cf-Access-Jwt-Assertion", "X-Amzn-Oidc-Data",
		"X-Ms-Client-Principal-Name", "X-Forwarded-Client-Cert", "X-Csrf-Token",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				private := serve(t, nil, saying("for you", "Cache-Control", "max-age=60"))
				if a := private.get("/x", name, "secret"); a.status() != "larder; fwd=uri-miss; detail=credentials" {
					t.Errorf("the answer to one with %s: %s", name, a.status())
				}
				settle()
				if a := private.get("/x"); a.isHit() {
					t.Errorf("the next, without %s: %s", name, a.status())
				}
				settle()
				if a := private.get("/x", name, "another"); a.isHit() {
					t.Errorf("with what was stored for those without %s: %s", name, a.status())
				}
				public := serve(t, nil, saying("for all", "Cache-Control", "public, max-age=60"))
				public.get("/x", name, "secret")
				settle()
				if a := public.get("/x"); !a.isHit() {
					t.Errorf("what is for all: %s", a.status())
				}
			})
		})
	}
}

func TestOrdinaryFieldsSayNothingOfTheVisitor(t *testing.T) {
	for _, name := range []string{"Accept", "Accept-Language", "User-Agent", "X-Forwarded-For", "X-Real-Ip", "X-Requested-With", "X-Request-Id", "Sec-Fetch-User", "Referer"} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, saying("for all", "Cache-Control", "max-age=60"))
			s.get("/x", name, "one")
			settle()
			if a := s.get("/x", name, "another"); !a.isHit() {
				t.Errorf("%s: %s", name, a.status())
			}
		})
	}
}
