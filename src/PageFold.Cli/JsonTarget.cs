using System.Text;

namespace PageFold.Cli;

/// <summary>Where JSON goes. The target is tried before the work begins, so that a wrong path is found out at once; an ordinary file is replaced whole at the end.</summary>
internal sealed class JsonTarget : IDisposable
{
    private readonly string? _path;
    private readonly FileStream? _inPlace;

    public JsonTarget(string target)
    {
        if (target == "-")
            return;
        if (string.IsNullOrWhiteSpace(target))
            throw new UserErrorException("--json needs a file, or - for standard output.");
        _path = Path.GetFullPath(target);
        string? folder = Path.GetDirectoryName(_path);
        if (Directory.Exists(_path) || !Directory.Exists(folder))
            throw new UserErrorException($"--json {target} cannot be written; name a file in a folder that exists, or - for standard output.");
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
            throw new UserErrorException($"--json {target} cannot be written ({e.Message.TrimEnd('.')}); choose another file, or - for standard output.", e);
        }
    }

    public bool IsStandardOutput => _path is null;

    private string Temporary => $"{_path}.{Environment.ProcessId}.tmp";

    public void Write(string json)
    {
        if (_path is null)
        {
            Console.Out.WriteLine(json);
            return;
        }
        try
        {
            if (_inPlace is not null)
                WriteInPlace(json);
            else
                Replace(json);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"the report could not be written to '{_path}' ({e.Message.TrimEnd('.')}); choose another file for --json.", e);
        }
    }

    public void Dispose() => _inPlace?.Dispose();

    private void WriteInPlace(string json)
    {
        if (_inPlace!.CanSeek && _inPlace.Length > 0)
            _inPlace.SetLength(0);
        _inPlace.Write(Encoding.UTF8.GetBytes(json + "\n"));
        _inPlace.Flush();
    }

    private void Replace(string json)
    {
        try
        {
            File.WriteAllText(Temporary, json + "\n");
            File.Move(Temporary, _path!, overwrite: true);
        }
        finally
        {
            File.Delete(Temporary);
        }
    }
}
