//go:build race

package bounds

const slowness = 5
