package settings_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/settings"
)

func TestASlipInANameIsAProblem(t *testing.T) {
	for name, near := range map[string]string{
		"APP_CACHE_BACKEDN":          "APP_CACHE_BACKEND",          // swapped
		"APP_CACHE_BACKND":           "APP_CACHE_BACKEND",          // left out
		"APP_CACHE_BACKENDS":         "APP_CACHE_BACKEND",          // put in
		"APP_CACHE_BECKENT":          "APP_CACHE_BACKEND",          // two changed in a long name
		"APP_POTR":                   "APP_PORT",                   // swapped in a short name
		"APP_REDIS_PASWORD":          "APP_REDIS_PASSWORD",         // a secret
		"APP_REDIS_PASSWORD_FIEL":    "APP_REDIS_PASSWORD_FILE",    // its file
		"APP_CACHE_STORAGE_URI_FILE": "APP_CACHE_STORAGE_URL_FILE", // its file
		"APP_REDIX_POTR":             "APP_REDIS_PORT",             // two in a name of ten letters
		"APP_REDIS_POTT":             "APP_REDIS_PORT",             // one, rather than two to APP_REDIS_HOST
		"APP_REDIS_POST":             "APP_REDIS_HOST",             // the first of two that are as near
		"APP_CACHE-BACKEND":          "APP_CACHE_BACKEND",          // a dash
		"APP_CACHE.BACKEND":          "APP_CACHE_BACKEND",          // a dot
		"APP_Cache_Backend":          "APP_CACHE_BACKEND",          // not in capitals
		"APP_CACHE_BACKENd":          "APP_CACHE_BACKEND",          // a letter of it
		"APP_cache_backedn":          "APP_CACHE_BACKEND",          // and swapped
		"APP_port":                   "APP_PORT",                   // a short name
		"APP_redis_password_file":    "APP_REDIS_PASSWORD_FILE",    // a secret's file
	} {
		want := []string{name + ": unknown; did you mean " + near + "?"}
		if diff := cmp.Diff(want, problems(t, name+"=hunter2")); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnotherUnknownNameIsAWarning(t *testing.T) {
	for _, name := range []string{"APP_STRIPE_KEY", "APP_PRTO1", "APP_PXOT", "APP_LOX_LEVEK", "APP_REDIS_HOST_FILE", "APP_CACHE", "APP_TEST", "APP_", "APP_stripe-key"} {
		s := mustLoad(t, name+"=hunter2")
		if diff := cmp.Diff([]string{name + ": unknown, so it changes nothing"}, s.Warnings()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestStrictMakesAnUnknownNameAProblem(t *testing.T) {
	want := []string{"APP_STRIPE_KEY: unknown; allowed: the variables that server -h lists, since APP_SETTINGS_STRICT is true"}
	if diff := cmp.Diff(want, problems(t, "APP_STRIPE_KEY=x", "APP_SETTINGS_STRICT=true")); diff != "" {
		t.Error(diff)
	}
}

func TestAnUnknownNameIsShownUpToASignThatNoNameHas(t *testing.T) {
	for name, want := range map[string]string{
		"APP_PORT ":                           "APP_PORT…: unknown; did you mean APP_PORT?",
		"APP_CACHE_BACKEND\x1b[2J":            "APP_CACHE_BACKEND…: unknown, so it changes nothing",
		"APP_X\nAPP_Y":                        "APP_X…: unknown, so it changes nothing",
		"APP_REDIS_PASSWORD: hunter2":         "APP_REDIS_PASSWORD…: unknown, so it changes nothing",
		"APP_REDIS_PASSWORD hunter2":          "APP_REDIS_PASSWORD…: unknown, so it changes nothing",
		"APP_REDIS_URL:redis://:hunter2@h?db": "APP_REDIS_URL…: unknown, so it changes nothing",
		"APP_PREIS_€":                         "APP_PREIS_…: unknown, so it changes nothing",
	} {
		s, err := settings.Load([]string{name + "=x"})
		got := strings.Join(s.Warnings(), "\n")
		if err != nil {
			got += err.Error()
		}
		if got != want {
			t.Errorf("%q gives\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestANameOfTheCallersMayHaveSmallLetters(t *testing.T) {
	var extra struct {
		Key string `env:"stripe_key"`
	}
	s, err := settings.Load([]string{"APP_stripe_key=x"}, &extra)
	if err != nil || s.Warnings() != nil || extra.Key != "x" {
		t.Errorf("error %v, warnings %q and value %q, want x alone", err, s.Warnings(), extra.Key)
	}
	_, err = settings.Load([]string{"APP_STRIPE_KEY=x"}, &extra)
	if want := "APP_STRIPE_KEY: unknown; did you mean APP_stripe_key?"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestWhatIsNotOursIsIgnored(t *testing.T) {
	s := mustLoad(t, "app_port=x", "App_Port=x", "aPP_PORT=x", "APPLICATION=x", "APP=x", "PORT=x", "APP_TEST_REDIS_URL=redis://x", "=C:=x", "")
	same(t, s, defaults())
	if s.Warnings() != nil {
		t.Errorf("warnings %q, want none", s.Warnings())
	}
}

func TestWhatKubernetesInjectsIsIgnored(t *testing.T) {
	// The Services app and app-redis-cache, as kubelet makes them; the second has the port named resp.
	s, err := settings.Load([]string{
		"APP_SERVICE_HOST=10.0.0.1", "APP_SERVICE_PORT=80", "APP_PORT_80_TCP=tcp://10.0.0.1:80", "APP_PORT_80_TCP_PROTO=tcp",
		"APP_PORT_80_TCP_PORT=80", "APP_PORT_80_TCP_ADDR=10.0.0.1",
		"APP_REDIS_CACHE_SERVICE_HOST=10.0.0.2", "APP_REDIS_CACHE_SERVICE_PORT=6379", "APP_REDIS_CACHE_SERVICE_PORT_RESP=6379",
		"APP_REDIS_CACHE_PORT=tcp://10.0.0.2:6379", "APP_REDIS_CACHE_PORT_6379_TCP_ADDR=10.0.0.2", "APP_SETTINGS_STRICT=true",
	})
	if err != nil || s.Warnings() != nil {
		t.Errorf("error %v and warnings %q, want neither", err, s.Warnings())
	}
}

func TestALinkThatKubernetesInjectsForAPortIsExplained(t *testing.T) {
	const tail = "; set enableServiceLinks: false in the pod, or rename the Service; allowed: 1 to 65535"
	for environ, want := range map[string]string{
		"APP_PORT=tcp://10.0.0.1:80":         "APP_PORT: not a port but the link that Kubernetes injects for the Service app" + tail,
		"APP_REDIS_PORT=udp://10.0.0.1:6379": "APP_REDIS_PORT: not a port but the link that Kubernetes injects for the Service app-redis" + tail,
	} {
		if diff := cmp.Diff([]string{want}, problems(t, environ)); diff != "" {
			t.Error(diff)
		}
	}
}
