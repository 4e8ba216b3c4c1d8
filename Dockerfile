# Three images from one restore and one source: docker build --target intake|worker|cli .
#
# Chiseled: no shell, no package manager, user 1654. "extra" has ICU, which SQL Server's client needs.
# ReadyToRun, not trimmed: docs/containers.md has the measurements and the reasons.
# Nothing here needs BuildKit: azd's remote builds do without it.

FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS restore
WORKDIR /source
# What restore reads, and nothing else: this layer holds until a package or a reference changes.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/Shared/Shared.csproj src/Shared/
COPY src/KestrelHead/KestrelHead.csproj src/KestrelHead/
COPY src/IngestServer/IngestServer.csproj src/IngestServer/
COPY src/ScoringWorker/ScoringWorker.csproj src/ScoringWorker/
COPY src/Cli/Cli.csproj src/Cli/
RUN for project in IngestServer ScoringWorker Cli; do \
      dotnet restore src/$project --use-current-runtime -p:PublishReadyToRun=true || exit 1; \
    done

FROM restore AS source
COPY .editorconfig ./
COPY src/ src/

FROM source AS publish-cli
RUN dotnet publish src/Cli -c Release --use-current-runtime --no-restore --self-contained false -p:PublishReadyToRun=true -o /app

FROM source AS publish-intake
RUN dotnet publish src/IngestServer -c Release --use-current-runtime --no-restore --self-contained false -p:PublishReadyToRun=true -o /app

FROM source AS publish-worker
RUN dotnet publish src/ScoringWorker -c Release --use-current-runtime --no-restore --self-contained false -p:PublishReadyToRun=true -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra AS base
WORKDIR /app
# By number, so that Kubernetes can tell that it is not root. The root file system may be read-only: nothing is written but the runtime's
# diagnostics socket in /tmp.
USER 1654

FROM base AS cli
COPY --from=publish-cli /app ./
ENTRYPOINT ["dotnet", "/app/finance-ingest.dll"]

# The worker has the scorer and the dispatcher: unless it is told otherwise, this image only takes in.
FROM base AS intake
ENV ASPNETCORE_URLS=http://*:7071 FinanceIngest__Roles=intake
EXPOSE 7071
COPY --from=publish-intake /app ./
ENTRYPOINT ["dotnet", "/app/IngestServer.dll"]

# Last, because azd builds it remotely, where no target can be named.
FROM base AS worker
ENV ASPNETCORE_URLS=http://*:7072
EXPOSE 7072
COPY --from=publish-worker /app ./
ENTRYPOINT ["dotnet", "/app/ScoringWorker.dll"]
