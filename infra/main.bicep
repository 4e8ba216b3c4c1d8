// This template deploys everything that FinanceIngest needs in Azure: run "azd up" in the repository's root. docs/azure.md explains the choices and estimates
// the cost.
targetScope = 'subscription'

@minLength(1)
@maxLength(48)
@description('Name of the azd environment. The resource group is named after it.')
param environmentName string

@minLength(1)
@description('Region of all resources. The region must offer Flex Consumption.')
param location string

@description('Object id of the user, group or application that administers and prepares the database. Prefer a group: it outlasts its members.')
param administratorId string = deployer().objectId

@description('Display name of the administrator, as the portal shows it. If empty, it is the name of whoever deploys, or the object id of somebody else.')
param administratorName string = ''

@allowed(['', 'User', 'Group', 'ServicePrincipal'])
@description('Kind of principal that administratorId identifies. It may be empty only if the administrator is whoever deploys.')
param administratorType string = ''

@description('Recipients of the anomaly mail, separated by semicolons. Without recipients the Logic App is deployed in the state Disabled.')
param mailRecipients string = ''

@description('Whether a person has authorised the mail connection in the portal. Until then the Logic App is Disabled, and alerts wait on their queue.')
param mailAuthorised bool = false

@description('Operators who are mailed when an alert rule fires (docs/operations.md), separated by semicolons. If empty, no rules are created.')
param operators string = ''

@description('Currency symbol in the anomaly mail.')
param currencySymbol string = '₹'

@description('URL in the mail, to which the transaction id is appended. If empty, it is the portal, or else the status endpoint of the intake, which needs a key.')
param transactionLink string = ''

@description('Name of the database. After a restore it is the name of the database that was restored (docs/azure.md).')
param sqlDatabaseName string = 'finance-ingest'

@description('Region of the database. All free databases of a subscription must be in one region. If empty, it is the region of everything else.')
param sqlLocation string = ''

@description('Whether the database uses the free monthly amount of Azure SQL, which a subscription has for ten databases.')
param sqlFreeLimit bool = true

@allowed(['AutoPause', 'BillOverUsage'])
@description('When the free amount is used up, AutoPause lets messages wait in the queue until the next month; BillOverUsage goes on at a cost, for good.')
param sqlFreeLimitExhausted string = 'AutoPause'

@allowed(['Local', 'Zone', 'Geo'])
@description('Where backups of the database are kept. Only Geo can be restored in another region, and AutoPause allows only Local.')
param sqlBackupRedundancy string = 'Local'

@allowed([1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 32, 40, 80])
@description('Maximum vCores of the database. The free amount allows up to 4. From 6 on, an awake database is billed for at least an eighth of them.')
param sqlMaxVcores int = 2

@allowed(['', 'Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
@description('Redundancy of the queues, which hold acknowledged work. If empty, it is Standard_ZRS in a region that has it, and otherwise Standard_LRS.')
param storageRedundancy string = ''

@allowed([512, 2048, 4096])
@description('Memory of an instance of the Function App, in MB.')
param intakeMemory int = 512

@minValue(1)
@maxValue(1000)
@description('Requests that one instance of the Function App handles at the same time. docs/azure.md has the reasons for the default.')
param intakeConcurrency int = 100

@minValue(1)
@maxValue(1000)
@description('Maximum number of instances of the Function App.')
param intakeMaxInstances int = 40

@allowed(['RollingUpdate', 'Recreate'])
@description('How a deployment replaces instances of the Function App. Recreate ends the requests that are running; RollingUpdate is a preview of Azure.')
param intakeUpdates string = 'Recreate'

@minValue(0)
@maxValue(300)
@description('Minimum number of worker replicas.')
param workerMinReplicas int = 0

@minValue(1)
@maxValue(300)
@description('Maximum number of worker replicas. Each replica opens its own database connections, so raise sqlMaxVcores along with it.')
param workerMaxReplicas int = 5

@minValue(1)
@description('Inbound messages per worker replica. A worker receives up to 32 messages with one call, so 64 is one batch held and one waiting.')
param workerQueueLength int = 64

@description('Whether the worker exists already, so that its image must stay. azd asks Azure before each provisioning; until the first one a placeholder runs.')
param workerExists bool = false

@description('Settings of the intake and the worker, by name. Empty ones are left out, so that the default in the code applies.')
param settings { *: string } = {}

@description('Further settings of the worker alone, by name.')
param workerSettings { *: string } = {}

@description('Settings of the worker alone whose values are secrets: their names, each with the name of a secret in the vault of the signing key.')
param workerVaultReferences { *: string } = {}

@description('Whether the notifier tells of anomalies (docs/notifications.md) instead of the Logic App, which is then Disabled: a queue has one consumer.')
param notifier bool = false

@description('Settings of the notifier, by name: its channels.')
param notifierSettings { *: string } = {}

@description('Settings of the notifier whose values are secrets: their names, each with the name of a secret in the vault of the signing key.')
param notifierVaultReferences { *: string } = {}

@description('Image of IngestServer (docs/azure.md). It deploys the portal: the page for operators and analysts, at which they sign in with Entra ID.')
param portalImage string = ''

@description('Whether storage, database and vaults accept connections from a virtual network only. It can be chosen at the first deployment only.')
param privateNetwork bool = false

@minValue(1)
@description('GB of telemetry that the workspace accepts a day. Azure drops what exceeds it.')
param logDailyQuotaGb int = 1

@description('Nobody can purge a deleted key vault for 90 days; one vault holds the signing key. Set to false only for throw-away environments.')
param protectVaultsFromPurge bool = true

@description('Whether the Functions host keeps its keys in a vault of their own rather than in its storage account, which is the platform\'s default.')
param functionKeysInVault bool = false

var tags = { 'azd-env-name': environmentName }
var token = toLower(uniqueString(subscription().id, environmentName, location))
var workerName = 'ca-worker-${token}'

// The administrator's kind can't be looked up here. A wrong kind would fail only after half of the deployment, so it must be given with the id.
var deploysItself = administratorId == deployer().objectId
var ownType = empty(deployer().userPrincipalName) ? 'ServicePrincipal' : 'User'
var ownName = empty(deployer().userPrincipalName) ? administratorId : deployer().userPrincipalName
var otherType = 'ADMINISTRATOR_ID is not the one who deploys: set ADMINISTRATOR_TYPE to User, Group or ServicePrincipal.'
var administrator = {
  id: administratorId
  name: !empty(administratorName) ? administratorName : deploysItself ? ownName : administratorId
  type: !empty(administratorType) ? administratorType : deploysItself ? ownType : fail(otherType)
}

// https://learn.microsoft.com/azure/azure-sql/database/free-offer#offer-limitations
var localOnly = 'SQL_BACKUP_REDUNDANCY must be Local while SQL_FREE_LIMIT_EXHAUSTED is AutoPause: free databases that pause have no other backups.'
var pausesWhenExhausted = sqlFreeLimit && sqlFreeLimitExhausted == 'AutoPause'
var backupRedundancy = pausesWhenExhausted && sqlBackupRedundancy != 'Local' ? fail(localOnly) : sqlBackupRedundancy

var tooLarge = 'SQL_MAX_VCORES must be at most 4 while SQL_FREE_LIMIT is true: the free amount is for databases of up to 4 vCores.'
var maxVcores = sqlFreeLimit && sqlMaxVcores > 4 ? fail(tooLarge) : sqlMaxVcores

// An account can't be moved between LRS and ZRS by a deployment. The choice is therefore an output, which azd gives back as the parameter next time, so that
// a later list of regions changes no account.
var hasZones = contains(loadJsonContent('zones.json', 'regions'), toLower(replace(location, ' ', '')))
var redundancy = !empty(storageRedundancy) ? storageRedundancy : hasZones ? 'Standard_ZRS' : 'Standard_LRS'

// A semicolon at the end, or two in a row, would make a receiver without an address, which Azure refuses.
var operatorAddresses = filter(map(split(operators, ';'), address => trim(address)), address => !empty(address))
var given = toObject(filter(items(settings), setting => !empty(setting.value)), setting => setting.key, setting => setting.value)

// The portal's API takes tokens alone. Without an issuer the program would not start.
var hasIssuer = contains(given, 'FinanceIngest__Jwt__Authority') && contains(given, 'FinanceIngest__Jwt__Audience')
var noIssuer = 'PORTAL_IMAGE needs JWT_AUTHORITY and JWT_AUDIENCE, with which people sign in to the portal.'
var portal = empty(portalImage) ? '' : hasIssuer ? portalImage : fail(noIssuer)
var portalName = empty(portal) ? '' : 'ca-portal-${token}'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  params: { location: location, tags: tags, token: token, dailyQuotaGb: logDailyQuotaGb }
}

module identities 'app/identities.bicep' = {
  scope: group
  params: { location: location, tags: tags, token: token }
}

module network 'app/network.bicep' = if (privateNetwork) {
  scope: group
  params: { location: location, tags: tags, token: token }
}

module storage 'app/storage.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    redundancy: redundancy
    privateNetwork: privateNetwork
    intakePrincipalId: identities.outputs.intake.principalId
    workerPrincipalId: identities.outputs.worker.principalId
    mailerPrincipalId: identities.outputs.mailer.principalId
    administratorId: administrator.id
    administratorType: administrator.type
  }
}

module vault 'app/vault.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    readerPrincipalIds: concat(
      [identities.outputs.intake.principalId, identities.outputs.worker.principalId],
      empty(portal) ? [] : [identities.outputs.portal.principalId]
    )
    administratorId: administrator.id
    administratorType: administrator.type
    privateNetwork: privateNetwork
    protectFromPurge: protectVaultsFromPurge
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
  }
}

module keys 'app/keys.bicep' = if (functionKeysInVault) {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    intakePrincipalId: identities.outputs.intake.principalId
    privateNetwork: privateNetwork
    protectFromPurge: protectVaultsFromPurge
  }
}

module database 'app/database.bicep' = {
  scope: group
  params: {
    location: empty(sqlLocation) ? location : sqlLocation
    tags: tags
    token: token
    name: sqlDatabaseName
    administratorId: administrator.id
    administratorName: administrator.name
    administratorType: administrator.type
    privateNetwork: privateNetwork
    freeLimit: sqlFreeLimit
    freeLimitExhausted: sqlFreeLimitExhausted
    backupRedundancy: backupRedundancy
    maxVcores: maxVcores
  }
}

// The programs start after their endpoints exist: before that, they would look up the public addresses and be refused.
module endpoints 'app/endpoints.bicep' = if (privateNetwork) {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
    storageAccountId: storage.outputs.accountId
    databaseServerId: database.outputs.serverId
    vaultId: vault.outputs.id
    keysVaultId: functionKeysInVault ? keys!.outputs.id : ''
  }
}

module intake 'app/intake.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identity: identities.outputs.intake
    storageAccountName: storage.outputs.accountName
    deploymentContainerName: storage.outputs.deploymentContainerName
    databaseServer: database.outputs.server
    databaseName: database.outputs.name
    signingKeyUri: vault.outputs.signingKeyUri
    keysVaultUri: functionKeysInVault ? keys!.outputs.uri : ''
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    operatorSettings: given
    memory: intakeMemory
    concurrency: intakeConcurrency
    maxInstances: intakeMaxInstances
    updates: intakeUpdates
    subnetId: privateNetwork ? network!.outputs.intakeSubnetId : ''
  }
  dependsOn: [endpoints]
}

module workerImage 'app/worker-image.bicep' = {
  scope: group
  params: { name: workerName, exists: workerExists }
}

module worker 'app/worker.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identity: identities.outputs.worker
    storageAccountName: storage.outputs.accountName
    databaseServer: database.outputs.server
    databaseName: database.outputs.name
    signingKeyUri: vault.outputs.signingKeyUri
    vaultUri: vault.outputs.uri
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
    name: workerName
    image: workerImage.outputs.image
    settings: union(given, workerSettings)
    vaultReferences: workerVaultReferences
    minReplicas: workerMinReplicas
    maxReplicas: workerMaxReplicas
    queueLength: workerQueueLength
    subnetId: privateNetwork ? network!.outputs.workerSubnetId : ''
    portalName: portalName
  }
  dependsOn: [endpoints]
}

module portalApp 'app/portal.bicep' = if (!empty(portal)) {
  scope: group
  params: {
    location: location
    tags: tags
    name: portalName
    identity: identities.outputs.portal
    environmentId: worker.outputs.environmentId
    registryName: worker.outputs.registryName
    storageAccountName: storage.outputs.accountName
    databaseServer: database.outputs.server
    databaseName: database.outputs.name
    signingKeyUri: vault.outputs.signingKeyUri
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    image: portal
    url: worker.outputs.portalUrl
    settings: toObject(filter(items(given), setting => setting.key != 'FinanceIngest__PublicUrl'), setting => setting.key, setting => setting.value)
  }
}

module notifierApp 'app/notifier.bicep' = if (notifier) {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identity: identities.outputs.notifier
    environmentId: worker.outputs.environmentId
    registryName: worker.outputs.registryName
    storageAccountName: storage.outputs.accountName
    databaseServer: database.outputs.server
    databaseName: database.outputs.name
    vaultName: vault.outputs.name
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    image: workerImage.outputs.image
    settings: union(given, notifierSettings)
    vaultReferences: notifierVaultReferences
  }
}

// The Logic App's connectors come from Azure's public addresses, which a private storage account refuses.
module mailer 'app/mailer.bicep' = if (!privateNetwork) {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identity: identities.outputs.mailer
    storageAccountName: storage.outputs.accountName
    enabled: mailAuthorised && !empty(mailRecipients) && !notifier
    recipients: mailRecipients
    currencySymbol: currencySymbol
    transactionLink: !empty(transactionLink)
      ? transactionLink
      : empty(portal) ? '${intake.outputs.url}/api/transactions/' : '${worker.outputs.portalUrl}/#/transactions/'
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
  }
}

module alerts 'app/alerts.bicep' = if (!empty(operatorAddresses)) {
  scope: group
  params: {
    location: location
    tags: tags
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
    databaseId: database.outputs.id
    watchesFreeAmount: sqlFreeLimit
    operators: operatorAddresses
  }
}

// azd expects these names.
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = worker.outputs.registry
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_TENANT_ID string = tenant().tenantId

// Every variable of main.parameters.json is an output too. "azd env refresh" copies outputs, and nothing else, to another machine: a variable that were no
// output would be reset to its default by whoever deploys from there. None of them is a secret.
output ADMINISTRATOR_ID string = administrator.id
output ADMINISTRATOR_NAME string = administrator.name
output ADMINISTRATOR_TYPE string = administrator.type
output STORAGE_REDUNDANCY string = redundancy
output MAIL_RECIPIENTS string = mailRecipients
output MAIL_AUTHORISED bool = mailAuthorised
output OPERATORS string = operators
output CURRENCY_SYMBOL string = currencySymbol
output TRANSACTION_LINK string = transactionLink
output SQL_DATABASE_NAME string = sqlDatabaseName
output SQL_LOCATION string = sqlLocation
output SQL_FREE_LIMIT bool = sqlFreeLimit
output SQL_FREE_LIMIT_EXHAUSTED string = sqlFreeLimitExhausted
output SQL_BACKUP_REDUNDANCY string = sqlBackupRedundancy
output SQL_MAX_VCORES int = sqlMaxVcores
output INTAKE_MEMORY int = intakeMemory
output INTAKE_CONCURRENCY int = intakeConcurrency
output INTAKE_MAX_INSTANCES int = intakeMaxInstances
output INTAKE_UPDATES string = intakeUpdates
output WORKER_MIN_REPLICAS int = workerMinReplicas
output WORKER_MAX_REPLICAS int = workerMaxReplicas
output WORKER_QUEUE_LENGTH int = workerQueueLength
output WORKER_SETTINGS { *: string } = workerSettings
output WORKER_VAULT_REFERENCES { *: string } = workerVaultReferences
output NOTIFIER bool = notifier
output NOTIFIER_SETTINGS { *: string } = notifierSettings
output NOTIFIER_VAULT_REFERENCES { *: string } = notifierVaultReferences
output PORTAL_IMAGE string = portalImage
output PRIVATE_NETWORK bool = privateNetwork
output LOG_DAILY_QUOTA_GB int = logDailyQuotaGb
output PROTECT_VAULTS_FROM_PURGE bool = protectVaultsFromPurge
output FUNCTION_KEYS_IN_VAULT bool = functionKeysInVault

// Each setting is an output of its own, because each has a variable of its own.
output SCORING_THRESHOLD string = settings.?FinanceIngest__Scoring__Threshold ?? ''
output SCORING_MINIMUM_SAMPLES string = settings.?FinanceIngest__Scoring__MinimumSamples ?? ''
output SCORING_BATCHES_IN_HAND string = settings.?FinanceIngest__Scoring__BatchesInHand ?? ''
output DETECTION_DETECTOR string = settings.?FinanceIngest__Detection__Detector ?? ''
output DETECTION_SHADOW string = settings.?FinanceIngest__Detection__Shadow ?? ''
output DETECTION_ALERTS_PER_USER_MONTH string = settings.?FinanceIngest__Detection__AlertsPerUserMonth ?? ''
output DETECTION_LANGUAGE string = settings.?FinanceIngest__Detection__Language ?? ''
output DETECTION_CURRENCY string = settings.?FinanceIngest__Detection__Currency ?? ''
output RATE_LIMIT_PER_MINUTE string = settings.?FinanceIngest__RateLimit__PerMinute ?? ''
output RETENTION_DAYS string = settings.?FinanceIngest__Retention__Days ?? ''
output POLLING_MAXIMUM_SECONDS string = settings.?FinanceIngest__Polling__MaximumSeconds ?? ''
output INTAKE_MAXIMUM_BYTES_IN_FLIGHT string = settings.?FinanceIngest__Intake__MaximumBytesInFlight ?? ''
output JWT_AUTHORITY string = settings.?FinanceIngest__Jwt__Authority ?? ''
output JWT_AUDIENCE string = settings.?FinanceIngest__Jwt__Audience ?? ''
output JWT_SCOPE_PREFIX string = settings.?FinanceIngest__Jwt__ScopePrefix ?? ''
output OLDER_ROUTE_WAIT_SECONDS string = settings.?FinanceIngest__OlderRoute__WaitSeconds ?? ''
output PUBLIC_URL string = settings.?FinanceIngest__PublicUrl ?? ''

// infra/hooks and administrators use these outputs.
output INTAKE_URL string = intake.outputs.url
output PORTAL_URL string = worker.outputs.portalUrl
output AZURE_STORAGE_QUEUE_SERVICE_URI string = storage.outputs.queueServiceUri
output DATABASE_SERVER string = database.outputs.server
output DATABASE_NAME string = database.outputs.name
output DATABASE_SERVER_ID string = database.outputs.serverId
output SIGNING_KEY_URI string = vault.outputs.signingKeyUri
output FUNCTION_KEYS_VAULT string = functionKeysInVault ? keys!.outputs.name : ''

// A template has 64 outputs at most, so the identities that the hook lets into the database are one.
output IDENTITIES { *: { name: string, clientId: string } } = union(
  {
    intake: { name: identities.outputs.intake.name, clientId: identities.outputs.intake.clientId }
    worker: { name: identities.outputs.worker.name, clientId: identities.outputs.worker.clientId }
    notifier: { name: identities.outputs.notifier.name, clientId: identities.outputs.notifier.clientId }
  },
  empty(portal) ? {} : { portal: { name: identities.outputs.portal.name, clientId: identities.outputs.portal.clientId } }
)
