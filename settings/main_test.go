package settings_test

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write .env.example anew")
	flag.Parse()
	os.Exit(m.Run())
}
