// One storage account holds the queues and the Function App's packages. Account keys are disabled: every caller is an identity with a role.
param location string
param tags object
@minLength(13)
param token string
param redundancy string
param privateNetwork bool
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
  sku: { name: redundancy }
  kind: 'StorageV2'
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: { bypass: 'None', defaultAction: privateNetwork ? 'Deny' : 'Allow' }
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

// All queues are created here: the programs' identities may not create queues, and autoscalers can't scale in while a poison queue is missing.
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

// Both programs check that each queue exists and read its length. Neither may create or delete a queue.
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

// The Functions host keeps its leases and its package in this account.
resource intakeOwnsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, intakePrincipalId, roles.storageBlobDataOwner)
  properties: {
    principalId: intakePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataOwner)
  }
}

// The worker needs Contributor because renewing a lease updates the message, which the role Message Processor does not allow.
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

// The connector's trigger also reads the queue's properties and deletes messages. Contributor is the only role that allows both.
resource mailerProcesses 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: alerts
  name: guid(alerts.id, mailerPrincipalId, roles.storageQueueDataContributor)
  properties: {
    principalId: mailerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
  }
}

// The administrator runs commands such as "finance-ingest queue status" and "finance-ingest poison redrive", which read, send and delete messages.
resource operatorProcesses 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, administratorId, roles.storageQueueDataContributor)
  properties: {
    principalId: administratorId
    principalType: administratorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
  }
}

output accountId string = account.id
output accountName string = account.name
output queueServiceUri string = account.properties.primaryEndpoints.queue
output deploymentContainerName string = deploymentContainer.name
