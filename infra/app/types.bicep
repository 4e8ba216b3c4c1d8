// The parts of a managed identity that others need to refer to it.
@export()
type identityType = {
  name: string
  id: string
  clientId: string
  principalId: string
}
