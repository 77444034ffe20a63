using System.Text;

namespace PageFold.Cli;

/// <summary>Where a report goes, JSON or a drawing. The target is tried before the work begins, so that a wrong path is found out at once; an ordinary file is replaced whole at the end.</summary>
internal sealed class ReportTarget : IDisposable
{
    private readonly string _option;
    private readonly string? _path;
    private readonly FileStream? _inPlace;

    /// <param name="target">A file, or - for standard output.</param>
    /// <param name="option">The option that names it.</param>
    /// <param name="standardOutput">False if it has to be a file.</param>
    public ReportTarget(string target, string option = "--json", bool standardOutput = true)
    {
        _option = option;
        if (target == "-" && standardOutput)
            return;
        string otherwise = standardOutput ? ", or - for standard output" : string.Empty;
        if (string.IsNullOrWhiteSpace(target) || target == "-")
            throw new UserErrorException(standardOutput ? $"{option} needs a file{otherwise}." : $"{option} {Arguments.Shown(target)} is no file; name one, the tables are what goes to standard output.");
        _path = Path.GetFullPath(target);
        string? folder = Path.GetDirectoryName(_path);
        if (Directory.Exists(_path) || !Directory.Exists(folder))
            throw new UserErrorException($"{option} {target} cannot be written; name a file in a folder that exists{otherwise}.");
        try
        {
            // Devices and pipes report no length. Those, links and empty files are opened now and written to; only an ordinary file is replaced whole.
            FileInfo file = new(_path);
            if (file.Exists && file.IsReadOnly)
                throw new UnauthorizedAccessException("it is read-only");
            if (file.Exists && (file.LinkTarget is not null || file.Length == 0))
                _inPlace = new FileStream(_path, FileMode.Open, FileAccess.Write);
            else
                new FileStream(Temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new UserErrorException($"{option} {target} cannot be written ({e.Message.Replace(Temporary, _path, StringComparison.Ordinal).TrimEnd('.')}); choose another file{otherwise}.", e);
        }
    }

    /// <summary>Refuses a report in place of data that it would be about.</summary>
    /// <param name="data">The files and folders that are read.</param>
    public void RefuseIfAmong(IEnumerable<string> data)
    {
        if (_path is null || !File.Exists(_path) || _inPlace is not null && new FileInfo(_path).Length == 0)
            return;
        foreach (string name in data)
        {
            string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(name));
            if (_path == path || _path.StartsWith(path + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                throw new UserErrorException($"{_option} {_path} is a part of the data and would be overwritten; choose another file.");
        }
    }

    /// <summary>True if both lead to the same file.</summary>
    public bool IsSameFile(ReportTarget other) => _path is not null && _path == other._path;

    public bool IsStandardOutput => _path is null;

    private string Temporary => $"{_path}.{Environment.ProcessId}.tmp";

    public void Write(string text)
    {
        if (_path is null)
        {
            Console.Out.WriteLine(text);
            return;
        }
        try
        {
            if (_inPlace is not null)
                WriteInPlace(text);
            else
                Replace(text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"the report could not be written to '{_path}' ({e.Message.TrimEnd('.')}); choose another file for {_option}.", e);
        }
    }

    public void Dispose() => _inPlace?.Dispose();

    private void WriteInPlace(string text)
    {
        if (_inPlace!.CanSeek && _inPlace.Length > 0)
            _inPlace.SetLength(0);
        _inPlace.Write(Encoding.UTF8.GetBytes(text + "\n"));
        _inPlace.Flush();
    }

    private void Replace(string text)
    {
        try
        {
            File.WriteAllText(Temporary, text + "\n");
            File.Move(Temporary, _path!, overwrite: true);
        }
        finally
        {
            File.Delete(Temporary);
        }
    }
}
