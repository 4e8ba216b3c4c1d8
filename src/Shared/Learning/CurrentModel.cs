using FinanceIngest.Configuration;
using FinanceIngest.Ground;

namespace FinanceIngest.Learning;

/// <summary>The model with which this process scores. Each batch says which version the database has; a newer one is loaded before the next batch.</summary>
/// <param name="store">Where models are.</param>
/// <param name="settings">The budget of alerts, from which the thresholds before the first model follow.</param>
internal sealed class CurrentModel(ILearningStore store, Settings settings)
{
    private readonly DetectionModel _first = DetectionModel.First(settings.AlertsPerUserMonth);
    private volatile DetectionModel? _model;
    private volatile int _newest;

    /// <summary>The model that is loaded; before the first load, the one of nothing known.</summary>
    public DetectionModel Model => _model ?? _first;

    /// <summary>Returns the newest model that this process knows of, and loads it where it has to.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<DetectionModel> GetAsync(CancellationToken cancellationToken)
    {
        if (_model is not { } model || model.Version < _newest)
        {
            _model = model = await store.LoadModelAsync(cancellationToken) ?? _first;
        }

        return model;
    }

    /// <summary>Notes the newest version that the database has.</summary>
    public void Saw(int version) => _newest = Math.Max(_newest, version);
}
