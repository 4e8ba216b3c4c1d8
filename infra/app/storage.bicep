// One account: the queues, and the Function App's packages. No account keys: only identities with roles.
param location string
param tags object
@minLength(13)
param token string
param intakePrincipalId string
param workerPrincipalId string
param mailerPrincipalId string
param administratorId string
param administratorType string

var queueNames = loadJsonContent('../names.json', 'queues')
var roles = loadJsonContent('roles.json')

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'st${token}'
  location: location
  tags: tags
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobService
  name: 'function-packages'
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

// All from the start: a missing poison queue keeps autoscalers from scaling in, and the programs' identities may not make queues.
resource inbound 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = {
  parent: queueService
  name: queueNames.inbound
}

resource poison 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = {
  parent: queueService
  name: queueNames.poison
}

resource alerts 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = {
  parent: queueService
  name: queueNames.alerts
}

resource alertsPoison 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = {
  parent: queueService
  name: queueNames.alertsPoison
}

// Both programs look at every queue: that it exists, how long it is. Neither may make or remove one.
resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in [intakePrincipalId, workerPrincipalId]: {
    scope: account
    name: guid(account.id, principalId, roles.storageQueueDataReader)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataReader)
    }
  }
]

resource intakeSends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: inbound
  name: guid(inbound.id, intakePrincipalId, roles.storageQueueDataMessageSender)
  properties: {
    principalId: intakePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender)
  }
}

// The Function host keeps its leases and its package here.
resource intakeOwnsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, intakePrincipalId, roles.storageBlobDataOwner)
  properties: {
    principalId: intakePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataOwner)
  }
}

// Contributor, because renewing a lease updates the message, which "message processor" may not.
resource workerProcesses 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: inbound
  name: guid(inbound.id, workerPrincipalId, roles.storageQueueDataContributor)
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
  }
}

resource workerSendsPoison 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: poison
  name: guid(poison.id, workerPrincipalId, roles.storageQueueDataMessageSender)
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender)
  }
}

resource workerSendsAlerts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: alerts
  name: guid(alerts.id, workerPrincipalId, roles.storageQueueDataMessageSender)
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender)
  }
}

// The connector's trigger also asks for the queue itself, which only Contributor allows together with deleting messages.
resource mailerProcesses 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: alerts
  name: guid(alerts.id, mailerPrincipalId, roles.storageQueueDataContributor)
  properties: {
    principalId: mailerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
  }
}

resource mailerSendsPoison 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: alertsPoison
  name: guid(alertsPoison.id, mailerPrincipalId, roles.storageQueueDataMessageSender)
  properties: {
    principalId: mailerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender)
  }
}

// finance-ingest queue status, poison redrive …
resource operatorProcesses 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, administratorId, roles.storageQueueDataContributor)
  properties: {
    principalId: administratorId
    principalType: administratorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
  }
}

output accountName string = account.name
output queueServiceUri string = account.properties.primaryEndpoints.queue
output deploymentContainerName string = deploymentContainer.name
