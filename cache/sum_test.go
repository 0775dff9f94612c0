package cache_test

import (
	"errors"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
)

func TestSum(t *testing.T) {
	for _, tc := range []struct {
		value string
		delta int64
		want  int64
		err   error
	}{
		{"0", 0, 0, nil},
		{"0", 1, 1, nil},
		{"-7", 10, 3, nil},
		{"7", -10, -3, nil},
		{"5", 0, 5, nil},
		{"9223372036854775806", 1, math.MaxInt64, nil},
		{"9223372036854775807", 0, math.MaxInt64, nil},
		{"9223372036854775807", math.MinInt64, -1, nil},
		{"-9223372036854775808", 0, math.MinInt64, nil},
		{"-9223372036854775808", math.MaxInt64, -1, nil},
		{"0", math.MinInt64, math.MinInt64, nil},
		{"9223372036854775807", 1, 0, cache.ErrOverflow},
		{"1", math.MaxInt64, 0, cache.ErrOverflow},
		{"-1", math.MinInt64, 0, cache.ErrOverflow},
		{"-9223372036854775808", math.MinInt64, 0, cache.ErrOverflow},
		{"9223372036854775808", 0, 0, cache.ErrNotInteger},
		{"-9223372036854775809", 1, 0, cache.ErrNotInteger},
		{"", 0, 0, cache.ErrNotInteger},
		{"-", 0, 0, cache.ErrNotInteger},
		{"+7", 0, 0, cache.ErrNotInteger},
		{"07", 0, 0, cache.ErrNotInteger},
		{"-0", 0, 0, cache.ErrNotInteger},
		{"-07", 0, 0, cache.ErrNotInteger},
		{" 7", 0, 0, cache.ErrNotInteger},
		{"7\n", 0, 0, cache.ErrNotInteger},
		{"1_000", 0, 0, cache.ErrNotInteger},
		{"0x7", 0, 0, cache.ErrNotInteger},
		{"1e3", 0, 0, cache.ErrNotInteger},
		{"7.0", 0, 0, cache.ErrNotInteger},
		{"٧", 0, 0, cache.ErrNotInteger},
	} {
		if got, err := cache.Sum([]byte(tc.value), tc.delta); got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("Sum(%q, %d) = %d, %v; want %d, %v", tc.value, tc.delta, got, err, tc.want, tc.err)
		}
	}
}

func TestTheErrorsOfSumTellNoValueThatIsNoNumber(t *testing.T) {
	_, err := cache.Sum([]byte("secret"), 1)
	want := "not an integer: the entry has 6 bytes; allowed: the decimal digits of a 64-bit number, without leading zeros or '+'"
	if errText(err) != want || strings.Contains(errText(err), "secret") {
		t.Errorf("%q; want %q", errText(err), want)
	}
	_, err = cache.Sum([]byte("9223372036854775807"), 2)
	if want := "integer overflow: 9223372036854775807+2"; errText(err) != want {
		t.Errorf("%q; want %q", errText(err), want)
	}
}

// Sum against integers without a limit.
func FuzzSum(f *testing.F) {
	for _, value := range []string{"0", "-0", "07", "+1", "", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1_0"} {
		f.Add([]byte(value), int64(1))
		f.Add([]byte(value), int64(math.MinInt64))
	}
	canonical := regexp.MustCompile(`\A(0|-?[1-9][0-9]*)\z`)
	f.Fuzz(func(t *testing.T, value []byte, delta int64) {
		got, err := cache.Sum(value, delta)
		n, ok := new(big.Int).SetString(string(value), 10)
		if !ok || !canonical.Match(value) || !n.IsInt64() {
			if got != 0 || !errors.Is(err, cache.ErrNotInteger) {
				t.Errorf("Sum(%q, %d) = %d, %v; want ErrNotInteger", value, delta, got, err)
			}
			return
		}
		sum := n.Add(n, big.NewInt(delta))
		if !sum.IsInt64() {
			if got != 0 || !errors.Is(err, cache.ErrOverflow) {
				t.Errorf("Sum(%q, %d) = %d, %v; want ErrOverflow", value, delta, got, err)
			}
		} else if got != sum.Int64() || err != nil {
			t.Errorf("Sum(%q, %d) = %d, %v; want %v", value, delta, got, err, sum)
		}
	})
}
