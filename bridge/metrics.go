package bridge

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Metrics are the bridge's Prometheus metrics, made once for all accounts.
type Metrics struct{}

// NewMetrics registers all metrics.
func NewMetrics(r prometheus.Registerer) *Metrics { panic("unwritten") }

// Observe is the [thinq.Options.Observe] of an account.
func (m *Metrics) Observe(account string) func(thinq.Call) { panic("unwritten") }
