package settings_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/larder-go/larder/settings"
)

// FuzzLoad holds Load to its promises: no panic, a Settings that is the default
// wherever there is a problem, and no secret in what it says.
func FuzzLoad(f *testing.F) {
	f.Add("APP_PORT", "tcp://10.0.0.1:80", "redis://:", "@h:port")
	f.Add("APP_STORES", "a=b", "rediss+sentinel://u:", "@a,b/m/1")
	f.Add("APP_TRUSTED_PROXIES", "10.0.0.0/8,", "", "")
	f.Add("APP_CACHE-BACKEND\x1b[2J", "redis", "redis://", "@h")
	f.Add("APP_REDIS_USERNAME", "me", "rediss://h?", "&ca_file=")
	f.Add("APP_CACHE_BACKEDN", "redis", "unix://", "/x?db=y")
	f.Fuzz(func(t *testing.T, name, value, before, after string) {
		const secret = "hunter2-2retnuh"
		if strings.Contains(name+value, secret) {
			return
		}
		var extra struct {
			Key settings.Secret `env:"KEY"`
		}
		s, err := settings.Load([]string{
			"APP_CACHE_STORAGE_URL=" + before + secret + after, "APP_REDIS_PASSWORD=" + secret + after, "APP_KEY=" + secret, name + "=" + value,
		}, &extra)
		text := strings.Join(s.Warnings(), "\n")
		if err != nil {
			text += err.Error()
		}
		var b strings.Builder
		if err := settings.Table(&b, []string{"APP_CACHE_STORAGE_URL=" + before + secret + after, "APP_REDIS_PASSWORD=" + secret, name + "=" + value}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text+b.String(), secret) {
			t.Errorf("the secret is in\n%s\n%s", text, b.String())
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("a terminal would act on %q", text)
		}
		for _, word := range []string{"strconv", "invalid syntax", "time:", "netip", "parse ", "env:"} {
			if strings.Contains(text, word) && !strings.Contains(name+value, word) {
				t.Errorf("a parser's %q is in\n%s", word, text)
			}
		}
		if (err == nil) != (len(s.Problems()) == 0) {
			t.Errorf("error %v, but problems %v", err, s.Problems())
		}
		if s.HTTP.Port < 1 || s.HTTP.Port > 65535 || s.Cache.DefaultTTL <= 0 || s.Cache.MaxEntries < 1 || s.Probes.LivePath == s.Probes.ReadyPath {
			t.Errorf("the settings cannot be used: %+v", s)
		}
	})
}
