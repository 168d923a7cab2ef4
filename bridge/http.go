package bridge

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// VersionInfo is what /version answers.
type VersionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"`
	Go      string `json:"go,omitempty"`
}

// Handler serves the status page and the endpoints for machines (contract
// section 5). It answers GET and HEAD only and changes nothing.
func Handler(version VersionInfo, g prometheus.Gatherer, bridges ...*Bridge) http.Handler {
	panic("unwritten")
}
