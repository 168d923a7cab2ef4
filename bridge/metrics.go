package bridge

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Metrics are the bridge's Prometheus metrics, made once for all accounts.
type Metrics struct {
	mqttConnected   prometheus.Gauge
	mqttPublished   *prometheus.CounterVec   // kind
	mqttFailures    *prometheus.CounterVec   // kind, reason
	mqttSuppressed  *prometheus.CounterVec   // kind
	mqttDuration    *prometheus.HistogramVec // kind
	mqttReceived    *prometheus.CounterVec   // kind
	mqttDropped     *prometheus.CounterVec   // reason
	mqttOutbox      prometheus.Gauge
	cloudRequests   *prometheus.CounterVec   // account, endpoint, code
	cloudDuration   *prometheus.HistogramVec // endpoint
	cloudInFlight   *prometheus.GaugeVec     // account
	cloudRemaining  *prometheus.GaugeVec     // account
	cloudBackoff    *prometheus.GaugeVec     // account
	cloudThrottled  *prometheus.CounterVec   // account, source, lane
	cloudSuccess    *prometheus.GaugeVec     // account
	pushConnected   *prometheus.GaugeVec     // account
	pushState       *prometheus.GaugeVec     // account, state
	pushMessages    *prometheus.CounterVec   // account, type
	pushLast        *prometheus.GaugeVec     // account
	pushReconnects  *prometheus.CounterVec   // account, reason
	pushRenewals    *prometheus.CounterVec   // account, reason
	pushProbes      *prometheus.CounterVec   // account, result
	pushSteps       *prometheus.CounterVec   // account, step
	pushSilent      *prometheus.GaugeVec     // account
	devices         *prometheus.GaugeVec     // account, status
	deviceOnline    *prometheus.GaugeVec     // account, device_id
	deviceUpdated   *prometheus.GaugeVec     // account, device_id
	deviceUpdates   *prometheus.CounterVec   // account, device_id, source
	energy          *prometheus.CounterVec   // account, device_id
	commands        *prometheus.CounterVec   // account, device_type, result
	commandDuration *prometheus.HistogramVec // stage
	commandsPending *prometheus.GaugeVec     // account
	breakers        *prometheus.CounterVec   // account
	blocked         *prometheus.GaugeVec     // account
	discovered      *prometheus.CounterVec   // reason
	orphans         prometheus.Counter
	births          prometheus.Counter
	restarts        *prometheus.CounterVec // component, cause
	writes          *prometheus.CounterVec // file, result
}

// Buckets: a local broker answers in milliseconds, LG in tenths of a second,
// an appliance in seconds.
var (
	mqttBuckets    = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
	cloudBuckets   = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30}
	commandBuckets = []float64{.1, .25, .5, 1, 2, 3, 5, 10, 20, 60}
)

// NewMetrics registers all metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := family{promauto.With(r)}
	m := &Metrics{}
	m.mqtt(f)
	m.cloud(f)
	m.appliances(f)
	m.housekeeping(f)
	return m
}

func (m *Metrics) mqtt(f family) {
	m.mqttConnected = f.gauge("mqtt_connected", "Whether the broker session is established.").WithLabelValues()
	m.mqttPublished = f.counter("mqtt_published_messages_total", "Messages acknowledged by the broker by kind.", "kind")
	m.mqttFailures = f.counter("mqtt_publish_failures_total", "Publishes that failed for good.", "kind", "reason")
	m.mqttSuppressed = f.counter("mqtt_publishes_suppressed_total", "Publishes skipped because the value was unchanged.", "kind")
	m.mqttDuration = f.histogram("mqtt_publish_duration_seconds", "Time from publish call to broker acknowledgement.", mqttBuckets, "kind")
	m.mqttReceived = f.counter("mqtt_received_messages_total", "Messages received by kind.", "kind")
	m.mqttDropped = f.counter("mqtt_dropped_messages_total", "Incoming messages ignored.", "reason")
	m.mqttOutbox = f.gauge("mqtt_outbox_messages", "Topics waiting for a broker connection.").WithLabelValues()
}

func (m *Metrics) cloud(f family) {
	m.cloudRequests = f.counter("cloud_requests_total", "LG API calls by endpoint template and outcome code.", "account", "endpoint", "code")
	m.cloudDuration = f.histogram("cloud_request_duration_seconds", "LG API call latency.", cloudBuckets, "endpoint")
	m.cloudInFlight = f.gauge("cloud_requests_in_flight", "LG API calls now running.", "account")
	m.cloudRemaining = f.gauge("cloud_budget_remaining_calls", "Background calls left in the current budget window.", "account")
	m.cloudBackoff = f.gauge("cloud_backoff_seconds", "Current back-off before the next call, 0 when none.", "account")
	m.cloudThrottled = f.counter("cloud_throttled_calls_total", "Calls delayed or refused, by source and lane.", "account", "source", "lane")
	m.cloudSuccess = f.gauge("cloud_last_success_timestamp_seconds", "Unix time of the last successful API call.", "account")
	m.pushConnected = f.gauge("push_connected", "Whether the push session is established.", "account")
	m.pushState = f.gauge("push_state", "1 for the current push state, 0 for all others.", "account", "state")
	m.pushMessages = f.counter("push_messages_total", "Push messages by LG message type.", "account", "type")
	m.pushLast = f.gauge("push_last_message_timestamp_seconds", "Unix time of the last push message.", "account")
	m.pushReconnects = f.counter("push_reconnects_total", "Push session re-establishments.", "account", "reason")
	m.pushRenewals = f.counter("push_resubscribes_total", "Event subscriptions renewed.", "account", "reason")
	m.pushProbes = f.counter("push_probes_total", "Reads compared with what was pushed.", "account", "result")
	m.pushSteps = f.counter("push_recoveries_total", "Remedies tried against events that do not come.", "account", "step")
	m.pushSilent = f.gauge("push_suspect_devices", "Devices whose events are in doubt.", "account")
}

func (m *Metrics) appliances(f family) {
	m.devices = f.gauge("devices", "Devices by status.", "account", "status")
	m.deviceOnline = f.gauge("device_online", "Whether the device is available.", "account", "device_id")
	m.deviceUpdated = f.gauge("device_last_update_timestamp_seconds", "Unix time of the last state received for the device.", "account", "device_id")
	m.deviceUpdates = f.counter("device_updates_total", "State updates by source.", "account", "device_id", "source")
	m.energy = f.counter("device_energy_watthours_total", "Energy that the device has used, where LG counts it.", "account", "device_id")
	m.commands = f.counter("commands_total", "Device commands by final result.", "account", "device_type", "result")
	m.commandDuration = f.histogram("command_duration_seconds", "Time from receipt to accepted and to the end.", commandBuckets, "stage")
	m.commandsPending = f.gauge("commands_pending", "Commands not yet finished.", "account")
	m.breakers = f.counter("command_blocks_total", "Attributes blocked because they were set too often.", "account")
	m.blocked = f.gauge("commands_blocked", "Attributes for which commands are refused now.", "account")
	m.discovered = f.counter("discovery_publishes_total", "Discovery messages sent by reason.", "reason")
	m.orphans = f.counter("discovery_orphans_removed_total", "Stale discovery topics of our own that were cleared.").WithLabelValues()
	m.births = f.counter("homeassistant_restarts_total", "Birth messages seen.").WithLabelValues()
}

func (m *Metrics) housekeeping(f family) {
	m.restarts = f.counter("worker_restarts_total", "Work that ended in a panic or an error and went on.", "component", "cause")
	m.writes = f.counter("state_writes_total", "State file writes.", "file", "result")
}

// Observe is the [thinq.Options.Observe] of an account.
func (m *Metrics) Observe(account string) func(thinq.Call) {
	return func(c thinq.Call) {
		m.cloudRequests.WithLabelValues(account, c.Endpoint, c.Code).Inc()
		m.cloudDuration.WithLabelValues(c.Endpoint).Observe(c.Duration.Seconds())
		if c.Code == "ok" {
			m.cloudSuccess.WithLabelValues(account).SetToCurrentTime()
		}
	}
}

// Dropped is the [thinq.Options.Dropped] of every account.
func (m *Metrics) Dropped(reason string) { m.mqttDropped.WithLabelValues(reason).Inc() }

func (m *Metrics) published(kind string, took time.Duration) {
	m.mqttPublished.WithLabelValues(kind).Inc()
	m.mqttDuration.WithLabelValues(kind).Observe(took.Seconds())
}

func (m *Metrics) publishFailed(kind, reason string) {
	m.mqttFailures.WithLabelValues(kind, reason).Inc()
}

// one sets the gauge of the present state to 1 and those of all others to 0.
func one(g *prometheus.GaugeVec, account, now string, all []string) {
	for _, state := range all {
		g.WithLabelValues(account, state).Set(0)
	}
	g.WithLabelValues(account, now).Set(1)
}

// family makes metrics under the common prefix.
type family struct{ promauto.Factory }

const metricPrefix = "thinq2mqtt"

func (f family) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return f.NewGaugeVec(prometheus.GaugeOpts{Namespace: metricPrefix, Name: name, Help: help}, labels)
}

func (f family) counter(name, help string, labels ...string) *prometheus.CounterVec {
	return f.NewCounterVec(prometheus.CounterOpts{Namespace: metricPrefix, Name: name, Help: help}, labels)
}

func (f family) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return f.NewHistogramVec(prometheus.HistogramOpts{Namespace: metricPrefix, Name: name, Help: help, Buckets: buckets}, labels)
}
