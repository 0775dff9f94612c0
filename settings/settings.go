// Package settings reads the service's configuration from the environment,
// once, at start: every variable is named APP_…, has a default, and is checked.
// All problems are reported together, each with its variable and what is
// allowed, and never with a secret.
//
// The fields of [Settings] and their tags are the one list of variables there
// is: the usage text, the table of effective values and .env.example are made
// from them. The package reads no .env file and keeps no state.
//
//   - An empty variable counts as one that is not set.
//   - Durations are written as 5m or 1h30m, or as whole seconds: 300.
//   - A variable of type [Secret] may be given as a file instead: APP_X_FILE
//     names it, and its last newline is dropped. Both at once is a problem.
//   - Every name that begins with APP_ is looked at: APP_Port, APP_CACHE-BACKEND
//     and the like too, while app_port is somebody else's.
//   - An unknown APP_… that is nearly a known one, or one in other letters than
//     capitals, is a problem; any other is a warning, or a problem too with
//     APP_SETTINGS_STRICT=true.
//   - APP_TEST_… is left to tests, and what Kubernetes injects for a Service
//     whose name begins with "app" is ignored where it does no harm.
package settings

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// Settings are the values that are in force. [Load] makes them; Load(nil) gives
// the defaults, while the zero Settings is of no use. Settings are only read
// after Load, so they may be shared by goroutines.
type Settings struct {
	Name string `env:"NAME" envDefault:"larder" rule:"text" help:"Name of the service, in metrics and JSON logs."`
	Env  string `env:"ENV" envDefault:"development" rule:"text" help:"Where it runs, such as development or production; for JSON logs only."`

	Log       Log       `help:"Logging"`
	HTTP      HTTP      `help:"HTTP"`
	Probes    Probes    `help:"Probes and metrics"`
	Shutdown  Shutdown  `help:"Shutdown"`
	Cache     Cache     `help:"Cache"`
	Stores    Stores    `help:"Named caches"`
	Redis     Redis     `help:"Redis or Valkey"`
	Session   Session   `help:"Sessions"`
	RateLimit RateLimit `help:"Rate limits"`
	Items     Items     `help:"The items example"`

	problems Problems
	warnings []string
	set      map[string]bool
}

// Log says what is logged and how.
type Log struct {
	Level  slog.Level `env:"LOG_LEVEL" envDefault:"info" oneof:"debug info warn error" help:"Least severe record that is logged."`
	Format string     `env:"LOG_FORMAT" envDefault:"text" oneof:"text json" help:"How a record is written."`
}

// HTTP is the listener and what bounds a request.
type HTTP struct {
	Host                string         `env:"HOST" envDefault:"127.0.0.1" rule:"host" help:"Address to listen on; 0.0.0.0 is every IPv4 interface."`
	Port                int            `env:"PORT" envDefault:"8000" min:"1" max:"65535" help:"Port to listen on."`
	RequestTimeout      time.Duration  `env:"REQUEST_TIMEOUT" envDefault:"30s" min:"1ms" max:"24h" help:"Deadline of each request."`
	MaxRequestBodyBytes int64          `env:"MAX_REQUEST_BODY_BYTES" envDefault:"5242880" min:"1024" help:"Largest request body, in bytes."`
	TrustedProxies      []netip.Prefix `env:"TRUSTED_PROXIES" help:"Proxies whose X-Forwarded-For is believed, separated by commas."`
}

// Probes are the paths that the platform asks, and the checks behind them.
type Probes struct {
	LivePath  string        `env:"HEALTH_CHECK_PATH" envDefault:"/live" rule:"path" help:"Path of the liveness probe."`
	ReadyPath string        `env:"READINESS_CHECK_PATH" envDefault:"/ready" rule:"path" help:"Path of the readiness probe."`
	Interval  time.Duration `env:"HEALTH_INTERVAL" envDefault:"2s" min:"10ms" max:"1h" help:"How often the checks run in the background."`
	Details   bool          `env:"HEALTH_DETAILS" envDefault:"false" help:"Whether the readiness probe names each check."`
	// MetricsPath is "" where metrics are not served, which the environment
	// says as "none".
	MetricsPath string `env:"METRICS_PATH" envDefault:"/metrics" rule:"path or none" help:"Path of the Prometheus metrics; hide it on a public address."`
}

// Shutdown are the budgets of a stop. DrainDelay and Timeout, and a second for
// the rest, fit into Grace.
type Shutdown struct {
	DrainDelay time.Duration `env:"DRAIN_DELAY" envDefault:"5s" min:"0s" max:"24h" help:"How long requests are still taken while readiness says 503; 0 on a terminal unless it is set."`
	Timeout    time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"10s" min:"1ms" max:"24h" help:"Budget of open requests and for closing everything."`
	Grace      time.Duration `env:"SHUTDOWN_GRACE" envDefault:"30s" min:"1s" max:"72h" help:"What the platform grants between SIGTERM and SIGKILL."`
}

// Cache says which store is behind the cache, and its bounds.
type Cache struct {
	// Backend is any name: which ones exist is known to the app's builder.
	Backend    string        `env:"CACHE_BACKEND" envDefault:"memory" help:"memory, redis, valkey (the same), tiered (memory before Redis), file, none, or a backend of your own."`
	DefaultTTL time.Duration `env:"CACHE_DEFAULT_TTL" envDefault:"5m" min:"1ms" max:"9600h" help:"Lifetime of an entry that names none."`
	MaxEntries int           `env:"CACHE_MAX_ENTRIES" envDefault:"10000" min:"1" max:"2147483647" help:"Most entries that memory holds."`
	MaxBytes   int64         `env:"CACHE_MAX_BYTES" envDefault:"0" min:"0" help:"Most bytes that memory holds; 0 is no limit."`
	KeyPrefix  string        `env:"CACHE_KEY_PREFIX" envDefault:"cache:" rule:"key prefix" help:"What every key in Redis begins with."`
	// StorageURL is the Redis URL as it was given. [Settings.RedisURL] is the
	// one to connect to.
	StorageURL Secret `env:"CACHE_STORAGE_URL" rule:"redis url" help:"URL of the Redis, instead of APP_REDIS_…"`
	// RedisDB is the database in use: the URL's where that names one, and 0 on
	// a cluster, which has no other.
	RedisDB       int           `env:"CACHE_REDIS_DB" envDefault:"1" min:"0" max:"2147483647" help:"Redis database where the URL names none."`
	Timeout       time.Duration `env:"CACHE_TIMEOUT" envDefault:"250ms" min:"1ms" max:"1h" help:"Bound of one Redis or file operation, or batch."`
	FilePath      string        `env:"CACHE_FILE_PATH" envDefault:"./data/cache" help:"Directory of the file backend; processes that share it share their entries."`
	FileMaxBytes  int64         `env:"CACHE_FILE_MAX_BYTES" envDefault:"0" min:"0" help:"Most bytes that the files of a cache take, held by sweeps; 0 is no limit."`
	FileSync      string        `env:"CACHE_FILE_SYNC" envDefault:"none" oneof:"none file full" help:"What a write waits for: nothing, that the disk has the bytes, or the name too."`
	HealthTimeout time.Duration `env:"CACHE_HEALTH_TIMEOUT" envDefault:"2s" min:"1ms" max:"1h" help:"Bound of the cache's health check."`
	Readiness     string        `env:"CACHE_READINESS" envDefault:"required" oneof:"required degraded" help:"Whether the service is unready, or only degraded, while the cache is down."`
	FailStart     bool          `env:"CACHE_FAIL_START" envDefault:"false" help:"Whether a cache that is down at start stops the process."`
}

// Stores puts named caches on backends of their own, name by name. As with
// Cache.Backend, which backends exist is known to the app's builder.
type Stores struct {
	Names  map[string]string `env:"STORES" envKeyValSeparator:"=" rule:"stores" help:"Named caches on a backend of their own, such as sessions=redis,pages=memory; any other is on APP_CACHE_BACKEND."`
	Strict bool              `env:"STORES_STRICT" envDefault:"false" help:"Whether the name of a cache must be in APP_STORES or known to the program; another is an error then."`
}

// Redis is how to reach the server where Cache.StorageURL is empty.
type Redis struct {
	Host     string `env:"REDIS_HOST" envDefault:"localhost" rule:"host" help:"Host of the Redis."`
	Port     int    `env:"REDIS_PORT" envDefault:"6379" min:"1" max:"65535" help:"Port of the Redis."`
	Username string `env:"REDIS_USERNAME" help:"ACL user, with APP_REDIS_PASSWORD; empty is the default user."`
	Password Secret `env:"REDIS_PASSWORD" help:"Password of the Redis."`
	TLS      bool   `env:"REDIS_TLS" envDefault:"false" help:"Whether to connect with TLS."`
	CAFile   string `env:"REDIS_CA_FILE" help:"PEM file of the authority to trust, instead of the system's."`
}

// Session bounds sessions and their cookie.
type Session struct {
	Secure      bool          `env:"SESSION_SECURE" envDefault:"true" help:"Whether the cookie is for HTTPS only."`
	IdleTimeout time.Duration `env:"SESSION_IDLE_TIMEOUT" envDefault:"30m" min:"1s" max:"9600h" help:"When a session that is not used ends."`
	Lifetime    time.Duration `env:"SESSION_LIFETIME" envDefault:"24h" min:"1s" max:"9600h" help:"When a session ends, used or not."`
}

// RateLimit is the limit of each client.
type RateLimit struct {
	Requests int64         `env:"RATE_LIMIT_REQUESTS" envDefault:"100" min:"1" help:"Requests that a client may make in a period."`
	Period   time.Duration `env:"RATE_LIMIT_PERIOD" envDefault:"1m" min:"1ms" max:"9600h" help:"The period."`
	Fail     string        `env:"RATE_LIMIT_FAIL" envDefault:"open" oneof:"open closed" help:"Whether requests pass while the limits cannot be counted."`
}

// Items is the example feature's.
type Items struct {
	Path string `env:"ITEMS_PATH" envDefault:"./data/items" help:"Directory of the items."`
}

// strictness is how Load itself behaves.
type strictness struct {
	Strict bool `env:"SETTINGS_STRICT" envDefault:"false" help:"Whether an unknown APP_… variable is an error."`
}

// Problems are what Load found, in the order of the variables in Settings, then
// the caller's own, then the unknown ones. It is nil where there is nothing.
func (s Settings) Problems() Problems { return slices.Clone(s.problems) }

// Warnings are sentences about what is probably a mistake but stops nothing,
// such as an unknown APP_STRIPE_KEY. None holds a value.
func (s Settings) Warnings() []string { return slices.Clone(s.warnings) }

// IsSet tells whether a variable, such as "APP_DRAIN_DELAY", had a value in the
// environment, be it a wrong one, or for a [Secret] in its file.
func (s Settings) IsSet(name string) bool { return s.set[name] }
