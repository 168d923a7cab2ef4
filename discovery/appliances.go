package discovery

// typePrefix begins every one of LG's device types.
const typePrefix = "DEVICE_"
