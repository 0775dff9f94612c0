package settings_test

import (
	"fmt"

	"github.com/larder-go/larder/settings"
)

// Every problem is reported, not only the first, and each says what is allowed.
func ExampleLoad() {
	_, err := settings.Load([]string{
		"APP_PORT=99999",
		"APP_CACHE_BACKEDN=redis",
		"APP_CACHE_DEFAULT_TTL=soon",
		"APP_CACHE_MAX_ENTRIES=0",
		"APP_CACHE_STORAGE_URL=redis://me:hunter2@host:port/1",
	})
	fmt.Println(err)
	// Output:
	// APP_PORT=99999: out of range; allowed: 1 to 65535
	// APP_CACHE_DEFAULT_TTL=soon: not a duration; allowed: 1ms to 9600h, written as 5m or as seconds
	// APP_CACHE_MAX_ENTRIES=0: out of range; allowed: 1 to 2147483647
	// APP_CACHE_STORAGE_URL: malformed; in a user or password @ is written %40, / is %2F, : is %3A, ? is %3F, # is %23 and % is %25; allowed: redis:// or valkey:// (rediss, valkeys: with TLS, and ?ca_file=/ca.pem) and [user:password@]host[:port][/database], unix:///run/redis.sock?db=1, redis+cluster://host:port,host:port, redis+sentinel://host:port,host:port/master[/database]
	// APP_CACHE_BACKEDN: unknown; did you mean APP_CACHE_BACKEND?
}

// A service's own variables are read, checked and listed like Larder's.
func ExampleLoad_yourOwn() {
	var shop struct {
		StripeKey settings.Secret `env:"STRIPE_KEY,required" help:"Key of the payment service."`
		Currency  string          `env:"CURRENCY" envDefault:"EUR" oneof:"EUR CHF" help:"What prices are in."`
		Workers   int             `env:"WORKERS" envDefault:"4" min:"1" max:"64" help:"Orders handled at once."`
	}
	_, err := settings.Load([]string{"APP_STRIPE_KEY=sk_live_1", "APP_WORKERS=65", "APP_CURRENCI=CHF"}, &shop)
	fmt.Println(shop.StripeKey, len(shop.StripeKey.Reveal()), shop.Currency, shop.Workers)
	fmt.Println(err)
	// Output:
	// [redacted] 9 EUR 4
	// APP_WORKERS=65: out of range; allowed: 1 to 64
	// APP_CURRENCI: unknown; did you mean APP_CURRENCY?
}

// The URL to connect to is made of whichever variables are set.
func ExampleSettings_RedisURL() {
	s, _ := settings.Load([]string{"APP_REDIS_HOST=::1", "APP_REDIS_PASSWORD=a/b@c", "APP_REDIS_TLS=true"})
	fmt.Println(s.RedisURL())

	s, _ = settings.Load([]string{"APP_CACHE_STORAGE_URL=valkey://cache.internal", "APP_CACHE_REDIS_DB=3"})
	fmt.Println(s.RedisURL())
	// Output:
	// rediss://:a%2Fb%40c@[::1]:6379/1
	// valkey://cache.internal/3
}

func ExampleSettings_Warnings() {
	s, err := settings.Load([]string{"APP_STRIPE_KEY=sk_live_1"})
	fmt.Println(s.Warnings(), err)
	// Output:
	// [APP_STRIPE_KEY: unknown, so it changes nothing] <nil>
}

func ExampleSecret() {
	password := settings.Secret("hunter2")
	fmt.Printf("%s %q %x %#v\n", password, password, password, password)
	fmt.Println(password.Reveal())
	// Output:
	// [redacted] [redacted] [redacted] [redacted]
	// hunter2
}
