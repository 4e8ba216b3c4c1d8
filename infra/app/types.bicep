// The properties of a managed identity that other modules use.
@export()
type identityType = {
  name: string
  id: string
  clientId: string
  principalId: string
}
