package thinq

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain has every test run where the environment names a proxy that nobody
// wants. The standard library looks there once, so it must be there from the
// beginning.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		os.Setenv(name, "http://canary.proxy.test:3128")
	}
	goleak.VerifyTestMain(m)
}
