using PageFold.CacheBench.Subjects;
using PageFold.Cli;

namespace PageFold.CacheBench.Density;

/// <summary>Compares caches by the entries that they hold in the same resident memory, each in a process of its own.</summary>
/// <remarks>
/// MemoryCache comes first. A cache that limits its memory is given as much as MemoryCache took, and filled until it holds no more; others
/// get as many entries. A cache that trains a dictionary on its values is measured once more with values that it had not trained on.
/// </remarks>
internal sealed class DensityBench(DensityOptions options, WorkProgress progress, CancellationToken cancellation)
{
    private const string Baseline = "memorycache";

    private const int BytesPerGiB = 1 << 30;

    private readonly List<DensityValues> _values = [];
    private readonly List<DensityRow> _rows = [];
    private readonly List<string> _notes = [];

    public DensityReport Execute()
    {
        if (options.ValuesFiles.Count == 0)
            Compare(null);
        foreach (string file in options.ValuesFiles)
            Compare(file);
        return new DensityReport { Values = _values, Notes = _notes, Rows = _rows };
    }

    private static double Density(DensityFigures figures) => (double)figures.Entries * BytesPerGiB / Math.Max(1, figures.ResidentBytes);

    private void Compare(string? file)
    {
        string values = file is null ? "generated" : Path.GetFileName(file);
        DensityFigures first = Measure(SubjectKind.Of(Baseline), file, null)
            ?? throw new UserErrorException($"nothing to compare with: {_notes[^1]}; choose fewer --entries.");
        _values.Add(new DensityValues(values, first.DistinctValues, first.ValueBytes));
        long most = 0;
        foreach (SubjectKind kind in options.Subjects)
        {
            long? memory = kind.LimitsMemory ? first.ResidentBytes : null;
            foreach (bool holdsOut in kind.TrainsDictionaries && first.DistinctValues > 1 ? (bool[])[false, true] : [false])
            {
                DensityFigures? figures = kind.Name == Baseline ? first : Measure(kind, file, memory, holdsOut);
                if (figures is null)
                    continue;
                double density = Density(figures);
                _rows.Add(new DensityRow(
                    values, kind.Name, holdsOut, figures.Entries, figures.ResidentBytes, density, density / Density(first),
                    figures.Dictionaries));
                most = Math.Max(most, (figures.Entries + figures.DistinctValues - 1) / figures.DistinctValues);
                if (figures.Dictionaries == 0)
                    _notes.Add($"{values}: {kind.Name} trained no dictionary; choose more --entries");
                if (holdsOut && figures.LateDictionaries > 0)
                    _notes.Add($"{values}: {kind.Name} trained again on the half that was held out");
            }
        }
        if (most > 1)
            _notes.Add($"{values}: each distinct value was stored up to {most} times");
    }

    private DensityFigures? Measure(SubjectKind kind, string? file, long? memory, bool holdsOut = false)
    {
        progress.Begin(kind.Name, 1);
        DensityFigures? figures = ChildProcess.Run(
            "density",
            new DensityRequest(kind.Name, options.Entries, memory, file, options.Seed, holdsOut),
            DensityJson.Default.DensityRequest,
            DensityJson.Default.DensityFigures,
            new Dictionary<string, string> { ["DOTNET_gcServer"] = "0" },
            out string reason,
            cancellation);
        if (figures is null)
            _notes.Add($"{kind.Name} was not measured: {reason}");
        progress.Add(1);
        return figures;
    }
}
