// The virtual network of a private deployment. Both kinds of programs need a subnet of their own that is delegated to Container Apps' environments, also the
// Function App: https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#considerations.
param location string
param tags object
@minLength(13)
param token string

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/22'] }
    subnets: [
      {
        name: 'endpoints'
        properties: { addressPrefix: '10.0.0.0/24', privateEndpointNetworkPolicies: 'Disabled' }
      }
      {
        name: 'intake'
        properties: { addressPrefix: '10.0.1.0/24', delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }] }
      }
      {
        name: 'worker'
        properties: { addressPrefix: '10.0.2.0/24', delegations: [{ name: 'apps', properties: { serviceName: 'Microsoft.App/environments' } }] }
      }
    ]
  }

  resource endpoints 'subnets' existing = { name: 'endpoints' }
  resource intake 'subnets' existing = { name: 'intake' }
  resource worker 'subnets' existing = { name: 'worker' }
}

output id string = network.id
output endpointsSubnetId string = network::endpoints.id
output intakeSubnetId string = network::intake.id
output workerSubnetId string = network::worker.id
