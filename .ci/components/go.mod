module github.com/thinq2mqtt/thinq2mqtt/.ci/components

go 1.26.0
