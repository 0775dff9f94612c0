package settings_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/settings"
)

// color reads its own text, and its error has the text in it.
type color struct{ name string }

func (c *color) UnmarshalText(text []byte) error {
	if string(text) != "red" {
		return fmt.Errorf("no such color: %s", text)
	}
	c.name = string(text)
	return nil
}

type mail struct {
	From string `env:"FROM" envDefault:"shop@example.com"`
	Port int    `env:"PORT" envDefault:"25" min:"1" max:"65535"`
}

type shop struct {
	StripeKey settings.Secret   `env:"STRIPE_KEY"`
	Keys      []settings.Secret `env:"OLD_KEYS"`
	Every     time.Duration     `env:"EVERY" envDefault:"1m"`
	Small     uint8             `env:"SMALL"`
	Rate      float64           `env:"RATE"`
	Wide      int               `env:"WIDE"`
	Color     color             `env:"COLOR"`
	Site      url.URL           `env:"SITE"`
	Tags      map[string]string `env:"TAGS"`
	Optional  *int              `env:"OPTIONAL"`
	Office    []netip.Prefix    `env:"OFFICE"`
	Home      string            `env:"HOME_PAGE,expand" envDefault:"https://${DOMAIN}/"`
	Nowhere   string            `env:"-"`
	Mail      mail              `envPrefix:"MAIL_"`
	Backup    *mail             `env:",init" envPrefix:"BACKUP_"`
	Absent    *mail             `envPrefix:"ABSENT_"`
	Preset    string            `env:"PRESET"`
	mail                        // an unexported embedded struct is left alone
}

func TestTheCallersStructIsFilledIn(t *testing.T) {
	got := shop{Preset: "kept"}
	one := 1
	s, err := settings.Load([]string{
		"APP_STRIPE_KEY_FILE=" + file(t, "sk_live\n"), "APP_OLD_KEYS=a,b", "APP_EVERY=90", "APP_SMALL=255", "APP_RATE=1.5", "APP_WIDE=-1",
		"APP_COLOR=red", "APP_SITE=https://example.com", "APP_TAGS=a:b", "APP_OPTIONAL=1", "APP_OFFICE=10.0.0.1", "DOMAIN=example.org",
		"APP_MAIL_FROM=me@example.com", "APP_BACKUP_PORT=26", "APP_PORT=81",
	}, &got)
	if err != nil || s.Warnings() != nil || s.HTTP.Port != 81 {
		t.Errorf("error %v, warnings %q and port %d, want 81 alone", err, s.Warnings(), s.HTTP.Port)
	}
	want := shop{
		StripeKey: "sk_live", Keys: []settings.Secret{"a", "b"}, Every: 90 * time.Second, Small: 255, Rate: 1.5, Wide: -1,
		Color: color{"red"}, Site: url.URL{Scheme: "https", Host: "example.com"}, Tags: map[string]string{"a": "b"}, Optional: &one,
		Office: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}, Home: "https://example.org/",
		Mail: mail{"me@example.com", 25}, Backup: &mail{"shop@example.com", 26}, Preset: "kept",
	}
	same := cmp.Options{cmp.AllowUnexported(shop{}, color{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("the struct differs (-want +got):\n%s", diff)
	}
}

func TestAFieldThatIsNoVariableIsNotListed(t *testing.T) {
	if text := settings.Example(&shop{}); strings.Contains(text, "APP_-") || strings.Contains(text, "APP_ABSENT") || !strings.Contains(text, "APP_MAIL_PORT") {
		t.Errorf("the example is\n%s", text)
	}
}

func TestAWrongValueOfTheCallersIsAProblemLikeOurs(t *testing.T) {
	for environ, want := range map[string]string{
		"APP_OLD_KEYS_FILE=/x":         "",
		"APP_EVERY=soon":               "APP_EVERY=soon: not a duration; allowed: a duration, written as 5m or as seconds",
		"APP_SMALL=256":                "APP_SMALL=256: out of range",
		"APP_SMALL=x":                  "APP_SMALL=x: not a whole number",
		"APP_RATE=x":                   "APP_RATE=x: not a number",
		"APP_WIDE=x":                   "APP_WIDE=x: not a whole number; allowed: a whole number that fits 32 bits",
		"APP_COLOR=blue":               "APP_COLOR=blue: cannot be read as a settings_test.color",
		"APP_SITE=https://me:pw@a b/":  "APP_SITE: cannot be read as a url.URL",
		"APP_TAGS=a":                   "APP_TAGS=a: not a list of pairs",
		"APP_OFFICE=x":                 "APP_OFFICE=x: not a list of addresses; allowed: IP addresses or ranges such as 10.0.0.0/8, separated by commas",
		"APP_MAIL_PORT=0":              "APP_MAIL_PORT=0: out of range; allowed: 1 to 65535",
		"APP_MAIL_PORT=tcp://10.0.0.1": "APP_MAIL_PORT: not a port but the link that Kubernetes injects for the Service app-mail; set enableServiceLinks: false in the pod, or rename the Service; allowed: 1 to 65535",
		"APP_STRIPE_KEYS=x":            "APP_STRIPE_KEYS: unknown; did you mean APP_STRIPE_KEY?",
	} {
		t.Run(environ, func(t *testing.T) {
			_, err := settings.Load([]string{environ}, &shop{})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("error is %q, want %q", got, want)
			}
		})
	}
}

func TestTheOptionsOfPackageEnvGiveProblemsToo(t *testing.T) {
	var extra struct {
		Needed    string `env:"NEEDED,required"`
		NotEmpty  string `env:"NOT_EMPTY,notEmpty"`
		File      string `env:"LICENCE,file"`
		Channel   chan int
		Frequency chan int `env:"CHANNEL"`
	}
	_, err := settings.Load([]string{"APP_NEEDED=", "APP_LICENCE=/no/such", "APP_CHANNEL=x"}, &extra)
	want := `APP_NEEDED: required, but not set
APP_NOT_EMPTY: required, but empty
APP_LICENCE=/no/such: names a file that cannot be read
APP_CHANNEL=x: cannot be read: no variable can become a chan int`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

func TestAMistakeInTheCallersStructIsAProblemAndNoPanic(t *testing.T) {
	const allowed = "; allowed: a pointer to a struct whose fields have env tags"
	for _, tt := range []struct {
		name  string
		extra any
		want  string
	}{
		{"nil", nil, "settings.Load, struct 1 of your own: a <nil> cannot be filled in" + allowed},
		{"a struct", mail{}, "settings.Load, struct 1 of your own: a settings_test.mail cannot be filled in" + allowed},
		{"a nil pointer", (*mail)(nil), "settings.Load, struct 1 of your own: a *settings_test.mail cannot be filled in" + allowed},
		{"a pointer to something else", new(int), "settings.Load, struct 1 of your own: a *int cannot be filled in" + allowed},
		{"a function", func() {}, "settings.Load, struct 1 of your own: a func() cannot be filled in" + allowed},
		{"a name of ours", &struct {
			A string `env:"PORT"`
		}{}, "APP_PORT: two fields read it; allowed: one field, or another name"},
		{"an option that env does not have", &struct {
			A string `env:"A,secret"`
		}{}, "APP_A: has an env tag with an option that does not exist"},
		{"a limit on a text", &struct {
			A string `env:"A" max:"3"`
		}{}, `APP_A: has the tag max:"3", which takes a number, on a whole number or a duration`},
		{"a limit that is no number", &struct {
			A int `env:"A" min:"few"`
		}{}, `APP_A: has the tag min:"few", which takes a number, on a whole number or a duration`},
		{"a rule that does not exist", &struct {
			A string `env:"A" rule:"nice"`
		}{}, `APP_A: has the tag rule:"nice", which is not a rule`},
		{"a default that cannot be read", &struct {
			A int `env:"A" envDefault:"few"`
		}{}, "APP_A: not a whole number; allowed: a whole number that fits 32 bits"},
		{"a default that is not allowed", &struct {
			A int `env:"A" envDefault:"5" max:"4"`
		}{}, "APP_A: out of range; allowed: at most 4"},
		{"a list of structs", &struct {
			A []mail `envPrefix:"A_"`
		}{}, "APP_A_…: a []settings_test.mail cannot be filled in; allowed: a struct, or a variable per field"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := settings.Load(nil, tt.extra)
			same(t, s, defaults())
			if err == nil || err.Error() != tt.want {
				t.Errorf("error is\n%v\nwant\n%s", err, tt.want)
			}
			var b strings.Builder
			if err := settings.Usage(&b, tt.extra); err != nil || settings.Example(tt.extra) == "" {
				t.Errorf("usage or example fails: %v", err)
			}
		})
	}
}
