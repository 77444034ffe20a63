namespace PageFold.Cli;

/// <summary>Where JSON goes. A file is opened before the work begins, so that a wrong path is found out at once, and replaced whole at its end.</summary>
internal sealed class JsonTarget
{
    private readonly string? _path;
    private readonly bool _inPlace;

    public JsonTarget(string target)
    {
        if (target == "-")
            return;
        _path = Path.GetFullPath(target);
        string? folder = Path.GetDirectoryName(_path);
        if (Directory.Exists(_path) || !Directory.Exists(folder))
            throw new UserErrorException($"--json {target} cannot be written; name a file in a folder that exists, or - for standard output.");
        // Devices and pipes report no length. Those, links and empty files are written to; only an ordinary file is replaced whole.
        FileInfo file = new(_path);
        _inPlace = file.Exists && (file.LinkTarget is not null || file.Length == 0);
        if (_inPlace)
            return;
        try
        {
            using (new FileStream(Temporary, FileMode.Create, FileAccess.Write))
            {
                // Only to see that it can be made.
            }
            File.Delete(Temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
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
            File.WriteAllText(_inPlace ? _path : Temporary, json + "\n");
            if (!_inPlace)
                File.Move(Temporary, _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"the report could not be written to '{_path}' ({e.Message.TrimEnd('.')}); choose another file for --json.", e);
        }
    }
}
